//! One module a kind of resource: how to read it, what differs, how to make, change and delete it.

pub(crate) mod cluster;
pub(crate) mod cluster_diff;
pub(crate) mod namespace;
pub(crate) mod parameter_group;
pub(crate) mod role;
pub(crate) mod security_group;
pub(crate) mod subnet_group;
pub(crate) mod usage_limit;
pub(crate) mod workgroup;

use crate::{
    plan::{Action, Difference, ResourceKind, Step},
    services::Tags,
};

/// Collects what differs of one resource.
#[derive(Debug, Default)]
pub(crate) struct Differences(Vec<Difference>);

impl Differences {
    /// An attribute that can be changed in place.
    pub(crate) fn changed(&mut self, attribute: &str, current: impl ToString, desired: impl ToString) {
        self.push(attribute, Some(current.to_string()), Some(desired.to_string()), None);
    }

    /// An attribute that cannot be changed in place, or not safely.
    pub(crate) fn shown(
        &mut self,
        attribute: &str,
        current: impl ToString,
        desired: impl ToString,
        why: &str,
    ) {
        self.push(attribute, Some(current.to_string()), Some(desired.to_string()), Some(why.to_owned()));
    }

    /// An attribute that a new resource will have.
    pub(crate) fn of_new(&mut self, attribute: &str, desired: impl ToString) {
        self.push(attribute, None, Some(desired.to_string()), None);
    }

    /// Something that is to be added, or taken away.
    pub(crate) fn push(
        &mut self,
        attribute: &str,
        current: Option<String>,
        desired: Option<String>,
        not_changed_because: Option<String>,
    ) {
        self.0.push(Difference { attribute: attribute.to_owned(), current, desired, not_changed_because });
    }

    /// Tags that are missing or have another value. Others may stay.
    pub(crate) fn tags(&mut self, current: &Tags, desired: &Tags) {
        for (key, value) in desired {
            if current.get(key) != Some(value) {
                self.push(&format!("tag {key}"), current.get(key).cloned(), Some(value.clone()), None);
            }
        }
    }

    /// Says of all of them why they are not changed now.
    pub(crate) fn postponed(mut self, why: &str) -> Self {
        for difference in &mut self.0 {
            difference.not_changed_because.get_or_insert_with(|| why.to_owned());
        }
        self
    }

    /// Whether anything is to be changed.
    pub(crate) fn any_changed(&self) -> bool {
        self.0.iter().any(|difference| difference.not_changed_because.is_none())
    }

    /// The step of a resource that is ours.
    pub(crate) fn into_step(self, resource: ResourceKind, name: &str) -> Step {
        let action = if self.any_changed() { Action::Change } else { Action::Keep };
        Step { resource, name: name.to_owned(), action, differences: self.0, note: None }
    }

    /// The step of a resource that is not there.
    pub(crate) fn into_creation(self, resource: ResourceKind, name: &str, note: Option<String>) -> Step {
        Step { resource, name: name.to_owned(), action: Action::Create, differences: self.0, note }
    }
}

/// The step of a resource that has our name and not our tag.
pub(crate) fn conflict(resource: ResourceKind, name: &str) -> Step {
    Step {
        resource,
        name: name.to_owned(),
        action: Action::Conflict,
        differences: Vec::new(),
        note: Some("it is there without the tag of this deployment, so it is somebody else's".to_owned()),
    }
}
