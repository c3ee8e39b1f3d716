//! Taking away, in the order of dependencies.

use std::collections::BTreeMap;

use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    plan::ResourceKind,
    services::FinalSnapshot,
    teardown::{Removal, RemovalStep, SnapshotDecision, TeardownPlan, TeardownReport},
};

/// Why something could not be deleted, by kind and name.
pub(crate) type Failures = BTreeMap<(ResourceKind, String), String>;

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
            let warehouse_stays = failures
                .keys()
                .any(|(kind, _)| *kind == ResourceKind::Cluster || *kind == ResourceKind::Workgroup);
            if warehouse_stays {
                let why = "not tried, since the warehouse is still there".to_owned();
                failures.insert((step.resource, step.name.clone()), why);
                continue;
            }
            let work = self.remove(step, snapshot);
            match self.watched(step.resource, &step.name, "delete", work).await {
                Ok(()) => deleted.push(step.clone()),
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
        // The plan was made without data to keep; if there is some by now, nobody has decided about it.
        if plan.snapshot == SnapshotDecision::NotNeeded {
            let cluster = self.read_cluster(&self.config.names().cluster).await?;
            let foreseen = plan.steps.iter().any(|step| step.resource == ResourceKind::Cluster);
            if !foreseen && cluster.is_some_and(|cluster| self.owns(&cluster.tags)) {
                return Err(Error::Stale {
                    resource: ResourceKind::Cluster,
                    name: self.config.names().cluster,
                    change: "it is there, and was not when the plan was made".to_owned(),
                });
            }
        }
        Ok(())
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
            ResourceKind::UsageLimit | ResourceKind::Snapshot | ResourceKind::Secret => Ok(()),
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
