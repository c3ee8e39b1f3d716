//! The IAM role with which the warehouse reads S3.

use super::{Differences, conflict};
use crate::{
    config::{ROLE_PATH, ROLE_POLICY},
    deployment::Deployment,
    error::{During, Result},
    pace::Subject,
    plan::{ResourceKind, Step},
    policy,
    services::{ErrorKind, NewRole, Role},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::Role;

impl Deployment {
    pub(crate) async fn read_role(&self, name: &str) -> Result<Option<Role>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.roles.role(name))
            .await
            .during(format!("reading the role {name}"))
    }

    pub(crate) fn role_step(&self, around: &Surroundings, current: Option<&Role>) -> Step {
        let name = around.names.role.as_str();
        let trust = policy::trust(self.config.kind);
        let access = policy::data_access(&self.config, around.caller.partition());
        let mut differences = Differences::default();
        let Some(role) = current else {
            differences.of_new("trust", services(&trust));
            for place in policy::readable(&self.config) {
                differences.of_new("may read", place);
            }
            if let Some(staging) = self.config.staging.as_ref().filter(|_| self.config.staging_write) {
                differences.of_new("may write", staging);
            }
            return differences.into_creation(KIND, name, None);
        };
        if !self.owns(&role.tags) {
            return conflict(KIND, name);
        }
        if !policy::same(&role.trust, &trust) {
            differences.changed("trust", compact(&role.trust), &trust);
        }
        match role.policies.get(ROLE_POLICY) {
            Some(document) if policy::same(document, &access) => {}
            document => {
                let current = document.map(|document| compact(document));
                differences.push("policy", current, Some(access.to_string()), None);
            }
        }
        for other in role.policies.keys().filter(|other| *other != ROLE_POLICY) {
            differences.push("further policy", Some(other.clone()), None, None);
        }
        for arn in &role.attached {
            differences.push("attached policy", Some(arn.clone()), None, None);
        }
        differences.tags(&role.tags, &around.tags);
        differences.into_step(KIND, name)
    }

    pub(crate) async fn create_role(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.role.as_str();
        let role = NewRole {
            name: name.to_owned(),
            path: ROLE_PATH.to_owned(),
            description: format!(
                "Lets the warehouse of deployment {} read its source files",
                self.config.name
            ),
            trust: policy::trust(self.config.kind).to_string(),
            tags: around.tags.clone(),
        };
        let subject = Subject::new(KIND, name);
        match self.insist(subject, &[], || self.services.roles.create_role(&role)).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(subject, || self.read_role(name), |role| &role.tags).await?;
            }
            made => _ = made.during(format!("creating the role {name}"))?,
        }
        self.put_policy(around).await
    }

    pub(crate) async fn change_role(&self, around: &Surroundings, role: &Role) -> Result<()> {
        let name = around.names.role.as_str();
        let subject = Subject::new(KIND, name);
        let roles = &self.services.roles;
        let trust = policy::trust(self.config.kind);
        if !policy::same(&role.trust, &trust) {
            let trust = trust.to_string();
            self.insist(subject, &[], || roles.set_trust(name, &trust))
                .await
                .during(format!("setting who may assume the role {name}"))?;
        }
        self.put_policy(around).await?;
        for other in role.policies.keys().filter(|other| *other != ROLE_POLICY) {
            self.insist(subject, &[], || roles.delete_policy(name, other))
                .await
                .during(format!("deleting the policy {other} of the role {name}"))?;
        }
        for arn in &role.attached {
            self.insist(subject, &[], || roles.detach_policy(name, arn))
                .await
                .during(format!("detaching the policy {arn} from the role {name}"))?;
        }
        self.insist(subject, &[], || roles.tag_role(name, &around.tags))
            .await
            .during(format!("tagging the role {name}"))
    }

    async fn put_policy(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.role.as_str();
        let document = policy::data_access(&self.config, around.caller.partition()).to_string();
        // A role just made may not be there for the next request.
        self.insist(Subject::new(KIND, name), &[ErrorKind::NotFound], || {
            self.services.roles.put_policy(name, ROLE_POLICY, &document)
        })
        .await
        .during(format!("setting the policy of the role {name}"))
    }

    /// Deletes the role with all of its policies.
    pub(crate) async fn delete_role(&self, role: &Role) -> Result<()> {
        let name = role.name.as_str();
        let subject = Subject::new(KIND, name);
        let roles = &self.services.roles;
        for policy in role.policies.keys() {
            self.insist(subject, &[], || roles.delete_policy(name, policy))
                .await
                .during(format!("deleting the policy {policy} of the role {name}"))?;
        }
        for arn in &role.attached {
            self.insist(subject, &[], || roles.detach_policy(name, arn))
                .await
                .during(format!("detaching the policy {arn} from the role {name}"))?;
        }
        self.insist(subject, &[ErrorKind::InUse], || roles.delete_role(name))
            .await
            .during(format!("deleting the role {name}"))
    }
}

fn services(trust: &serde_json::Value) -> String {
    let services = trust["Statement"][0]["Principal"]["Service"].as_array();
    services.into_iter().flatten().filter_map(|service| service.as_str()).collect::<Vec<_>>().join(", ")
}

/// A policy in one line.
fn compact(document: &str) -> String {
    serde_json::from_str::<serde_json::Value>(document)
        .map_or_else(|_| document.to_owned(), |value| value.to_string())
}
