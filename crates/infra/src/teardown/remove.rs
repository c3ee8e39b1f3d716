//! Taking away, in the order of dependencies.

use std::collections::BTreeMap;

use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    pace::{Look, Subject},
    plan::ResourceKind,
    readiness::{self, Readiness},
    services::{FinalSnapshot, Tags},
    teardown::{Removal, RemovalStep, SnapshotDecision, TeardownPlan, TeardownReport},
};

/// Why something could not be deleted, by kind and name.
pub(crate) type Failures = BTreeMap<(ResourceKind, String), String>;

const NOT_DELETING: &str = "it was being deleted when the plan was made, and is not any more";

/// How a resource with states is.
#[derive(Debug)]
struct Standing {
    ours: bool,
    deleting: bool,
    state: String,
}

/// Whether the first keeps the second from being deleted.
const fn holds(holder: ResourceKind, held: ResourceKind) -> bool {
    use ResourceKind::{Cluster, Namespace, Workgroup};
    match held {
        // Clusters and Serverless do not know of each other.
        Workgroup | Cluster => false,
        Namespace => matches!(holder, Workgroup),
        _ => matches!(holder, Workgroup | Namespace | Cluster),
    }
}

impl Deployment {
    pub(crate) async fn carry_out_teardown(&self, plan: &TeardownPlan) -> Result<TeardownReport> {
        self.check_teardown(plan).await?;
        let snapshot = match &plan.snapshot {
            SnapshotDecision::Take(snapshot) => Some(snapshot),
            _ => None,
        };
        let mut deleted = Vec::new();
        let mut failures = Failures::new();
        for step in plan.steps.iter().filter(|step| step.removal != Removal::Foreign) {
            // What the warehouse still uses cannot go: trying would only take long.
            if failures.keys().any(|(kind, _)| holds(*kind, step.resource)) {
                let why = "not tried, since the warehouse is still there".to_owned();
                failures.insert((step.resource, step.name.clone()), why);
                continue;
            }
            let work = async {
                match step.removal {
                    Removal::Wait => self.await_removal(step).await,
                    Removal::Delete | Removal::Foreign => self.remove(step, snapshot).await,
                }
            };
            match self.watched(step.resource, &step.name, "delete", work).await {
                Ok(()) => deleted.push(step.clone()),
                // Somebody is making the deployment anew: what comes after is theirs by now.
                Err(error @ Error::Stale { .. }) => return Err(error),
                Err(error) => {
                    let why = in_words(&error);
                    self.note(&format!("{} {}: {why}", step.resource, step.name));
                    failures.insert((step.resource, step.name.clone()), why);
                }
            }
        }
        let mut report = self.prove(&failures).await;
        report.deleted = deleted;
        Ok(report)
    }

    async fn check_teardown(&self, plan: &TeardownPlan) -> Result<()> {
        let caller = self.services.identity.caller().await.during("asking whose credentials these are")?;
        let ours = (&self.config.name, &self.services.region, &caller.account);
        if (&plan.deployment, &plan.region, &plan.account) != ours {
            return Err(Error::Stale {
                resource: ResourceKind::Cluster,
                name: plan.deployment.clone(),
                change: format!(
                    "the plan is for {} in {} of account {}",
                    plan.deployment, plan.region, plan.account
                ),
            });
        }
        if plan.snapshot == SnapshotDecision::Undecided {
            return Err(Error::SnapshotUndecided { name: self.config.names().cluster });
        }
        self.check_data(plan).await
    }

    /// Whether there is data by now about which nobody has decided: what was not there when the plan was made, or
    /// was on its way out.
    async fn check_data(&self, plan: &TeardownPlan) -> Result<()> {
        let names = self.config.names();
        for (resource, name) in
            [(ResourceKind::Cluster, &names.cluster), (ResourceKind::Namespace, &names.namespace)]
        {
            let foreseen = plan.steps.iter().find(|step| step.resource == resource).map(|step| step.removal);
            let change = match foreseen {
                Some(Removal::Delete) => continue,
                Some(Removal::Wait) => NOT_DELETING,
                Some(Removal::Foreign) => "it is of this deployment, and was not when the plan was made",
                None => "it is there, and was not when the plan was made",
            };
            let standing = match self.standing(resource, name).await {
                // The plan was made without it as well, and says so.
                Err(error) if resource == ResourceKind::Namespace && self.may_do_without(&error) => continue,
                standing => standing?,
            };
            if let Some(Standing { ours: true, deleting: false, .. }) = standing {
                return Err(Error::Stale { resource, name: name.clone(), change: change.to_owned() });
            }
        }
        Ok(())
    }

    /// How a resource with states is.
    async fn standing(&self, resource: ResourceKind, name: &str) -> Result<Option<Standing>> {
        let standing = |tags: &Tags, readiness: &Readiness, state: String| Standing {
            ours: self.owns(tags),
            deleting: matches!(readiness, Readiness::Deleting(_)),
            state,
        };
        Ok(match resource {
            ResourceKind::Cluster => self
                .read_cluster(name)
                .await?
                .map(|found| standing(&found.tags, &readiness::of_cluster(&found), found.status.clone())),
            ResourceKind::Namespace => self
                .read_namespace(name)
                .await?
                .map(|found| standing(&found.tags, &readiness::of_namespace(&found), found.status.clone())),
            ResourceKind::Workgroup => self
                .read_workgroup(name)
                .await?
                .map(|found| standing(&found.tags, &readiness::of_workgroup(&found), found.status.clone())),
            _ => None,
        })
    }

    /// Waits for the end of what was being deleted when the plan was made. What has come back since is another
    /// one, about whose data nobody has decided: it is never deleted.
    async fn await_removal(&self, step: &RemovalStep) -> Result<()> {
        let name = step.name.as_str();
        self.wait_for(Subject::new(step.resource, name), "gone", || async {
            match self.standing(step.resource, name).await? {
                None => Ok(Look::Done(())),
                Some(Standing { deleting: true, state, .. }) => Ok(Look::Pending(state)),
                Some(Standing { ours: false, .. }) => self.gone(step, true).map(Look::Done),
                Some(Standing { state, .. }) => Err(Error::Stale {
                    resource: step.resource,
                    name: name.to_owned(),
                    change: format!("{NOT_DELETING} (its state is {state})"),
                }),
            }
        })
        .await
    }

    /// Deletes one resource, after another look at whether it is ours.
    async fn remove(&self, step: &RemovalStep, snapshot: Option<&FinalSnapshot>) -> Result<()> {
        let name = step.name.as_str();
        match step.resource {
            ResourceKind::Workgroup => match self.read_workgroup(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_workgroup(name).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::Namespace => match self.read_namespace(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_namespace(name, snapshot).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::Cluster => match self.read_cluster(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_cluster(name, snapshot).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::SubnetGroup => match self.read_subnet_group(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_subnet_group(name).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::ParameterGroup => match self.read_parameter_group(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_parameter_group(name).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::SecurityGroup => {
                let groups = self.security_groups_of_name().await?;
                match groups.into_iter().find(|group| format!("{} ({})", group.name, group.id) == step.name) {
                    Some(found) if self.owns(&found.tags) => self.delete_security_group(&found).await,
                    found => self.gone(step, found.is_some()),
                }
            }
            ResourceKind::Role => match self.read_role(name).await? {
                Some(found) if self.owns(&found.tags) => self.delete_role(&found).await,
                found => self.gone(step, found.is_some()),
            },
            ResourceKind::UsageLimit
            | ResourceKind::Snapshot
            | ResourceKind::Secret
            | ResourceKind::StagedFiles => Ok(()),
        }
    }

    /// It is gone already; or it has another owner by now.
    fn gone(&self, step: &RemovalStep, there: bool) -> Result<()> {
        if there {
            return Err(Error::Conflict { names: vec![format!("{} {}", step.resource, step.name)] });
        }
        Ok(())
    }
}

/// The error with its cause and what to do, in one line.
fn in_words(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some(service) = error.service() {
        text = format!("{text}: {service}");
    }
    match error.hint() {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
}
