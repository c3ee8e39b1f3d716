//! What there is to take away.

use crate::{
    config::{FinalSnapshotPolicy, Kind},
    deployment::Deployment,
    error::{During, Error, Result},
    plan::ResourceKind,
    readiness::{self, Readiness},
    services::{ErrorKind, FinalSnapshot, SecurityGroup, Tags},
    status_of::rfc3339,
    teardown::{Remnant, Removal, RemovalStep, SnapshotDecision, TeardownPlan},
};

impl Deployment {
    pub(crate) fn snapshot_now(&self) -> FinalSnapshot {
        let digits: String =
            rfc3339(self.services.clock.now()).chars().filter(char::is_ascii_digit).collect();
        FinalSnapshot {
            name: format!("{}-final-{digits}", self.config.names().cluster),
            retention_days: self.config.final_snapshot_retention_days,
        }
    }

    pub(crate) async fn plan_teardown(&self, decision: Option<SnapshotDecision>) -> Result<TeardownPlan> {
        let caller = self.services.identity.caller().await.during("asking whose credentials these are")?;
        let names = self.config.names();
        let mut notes = Vec::new();
        let mut steps = Vec::new();

        let (workgroup, namespace) = match self.read_serverless().await {
            Ok(found) => found,
            Err(error) if self.config.kind == Kind::Cluster && may_be_absent(&error) => {
                notes.push(format!(
                    "Serverless could not be asked, and this deployment does not use it ({})",
                    brief(&error)
                ));
                (None, None)
            }
            Err(error) => return Err(error),
        };
        if let Some(found) = &workgroup {
            let deleting = matches!(readiness::of_workgroup(found), Readiness::Deleting(_));
            steps.push(self.removal(
                ResourceKind::Workgroup,
                &found.name,
                &found.tags,
                Some(&found.status),
                deleting,
            ));
        }
        let mut data = Vec::new();
        if let Some(found) = &namespace {
            let deleting = matches!(readiness::of_namespace(found), Readiness::Deleting(_));
            let step = self.removal(
                ResourceKind::Namespace,
                &found.name,
                &found.tags,
                Some(&found.status),
                deleting,
            );
            data.push(step.removal == Removal::Delete);
            steps.push(step);
        }
        if let Some(found) = self.read_cluster(&names.cluster).await? {
            let readiness = readiness::of_cluster(&found);
            let deleting = matches!(readiness, Readiness::Deleting(_));
            let step =
                self.removal(ResourceKind::Cluster, &found.id, &found.tags, Some(&found.status), deleting);
            if step.removal == Removal::Delete && readiness == Readiness::Paused {
                notes.push(
                    "the cluster is paused: without a final snapshot its data is gone; for one it may have to be resumed"
                        .to_owned(),
                );
            }
            data.push(step.removal == Removal::Delete);
            steps.push(step);
        }
        if let Some(found) = self.read_subnet_group(&names.subnet_group).await? {
            steps.push(self.removal(ResourceKind::SubnetGroup, &found.name, &found.tags, None, false));
        }
        if let Some(found) = self.read_parameter_group(&names.parameter_group).await? {
            steps.push(self.removal(ResourceKind::ParameterGroup, &found.name, &found.tags, None, false));
        }
        for found in self.security_groups_of_name().await? {
            let removal = if self.owns(&found.tags) { Removal::Delete } else { Removal::Foreign };
            let (resource, name) = (ResourceKind::SecurityGroup, format!("{} ({})", found.name, found.id));
            steps.push(RemovalStep { resource, name, removal, state: None });
        }
        if let Some(found) = self.read_role(&names.role).await? {
            steps.push(self.removal(ResourceKind::Role, &found.name, &found.tags, None, false));
        }

        let costing = self.costing(&mut notes).await;
        Ok(TeardownPlan {
            deployment: self.config.name.clone(),
            region: self.services.region.clone(),
            account: caller.account,
            steps,
            snapshot: self.decide(decision, data.contains(&true)),
            costing,
            notes,
        })
    }

    fn removal(
        &self,
        resource: ResourceKind,
        name: &str,
        tags: &Tags,
        state: Option<&str>,
        deleting: bool,
    ) -> RemovalStep {
        let removal = match (self.owns(tags), deleting) {
            (true, false) => Removal::Delete,
            (true, true) => Removal::Wait,
            (false, _) => Removal::Foreign,
        };
        RemovalStep { resource, name: name.to_owned(), removal, state: state.map(str::to_owned) }
    }

    fn decide(&self, decision: Option<SnapshotDecision>, needed: bool) -> SnapshotDecision {
        match (needed, decision, self.config.final_snapshot) {
            (false, _, _) => SnapshotDecision::NotNeeded,
            (true, Some(decision @ (SnapshotDecision::Skip | SnapshotDecision::Take(_))), _) => decision,
            (true, _, FinalSnapshotPolicy::Ask) => SnapshotDecision::Undecided,
            (true, _, FinalSnapshotPolicy::Take) => SnapshotDecision::Take(self.snapshot_now()),
            (true, _, FinalSnapshotPolicy::Skip) => SnapshotDecision::Skip,
        }
    }

    pub(crate) async fn read_serverless(
        &self,
    ) -> Result<(Option<crate::services::Workgroup>, Option<crate::services::Namespace>)> {
        let names = self.config.names();
        Ok((self.read_workgroup(&names.workgroup).await?, self.read_namespace(&names.namespace).await?))
    }

    /// The groups of our name, in whatever VPC.
    pub(crate) async fn security_groups_of_name(&self) -> Result<Vec<SecurityGroup>> {
        let name = self.config.names().security_group;
        let Some(network) = &self.services.network else { return Ok(Vec::new()) };
        network.security_groups_named(&name).await.during(format!("reading the security groups named {name}"))
    }

    /// The snapshots and secrets that go on costing.
    pub(crate) async fn costing(&self, notes: &mut Vec<String>) -> Vec<Remnant> {
        let names = self.config.names();
        let mut costing = Vec::new();
        let mut snapshots = Vec::new();
        match self.services.clusters.snapshots(&names.cluster).await {
            Ok(found) => snapshots.extend(found),
            Err(error) => notes.push(format!("the snapshots were not listed ({error})")),
        }
        match self.services.serverless.snapshots(&names.namespace).await {
            Ok(found) => snapshots.extend(found),
            Err(error) if self.config.kind == Kind::Serverless => {
                notes.push(format!("the snapshots of the namespace were not listed ({error})"));
            }
            Err(error) => tracing::debug!(%error, "listing the snapshots of Serverless"),
        }
        for snapshot in snapshots {
            let kept = snapshot
                .retention_days
                .map_or("kept until somebody deletes it".to_owned(), |days| format!("kept for {days} days"));
            let size =
                snapshot.size_bytes.map_or(String::new(), |bytes| format!(", {} MB", bytes / 1_000_000));
            costing.push(Remnant {
                resource: ResourceKind::Snapshot,
                name: snapshot.name,
                note: format!("{kept}{size}; its storage costs until then"),
            });
        }
        let prefix = format!("redshift!{}-{}", names.cluster, self.config.admin_user);
        match self.services.secrets.secrets_named(&prefix).await {
            Ok(secrets) => {
                costing.extend(secrets.into_iter().filter(|secret| !secret.deleted).map(|secret| Remnant {
                    resource: ResourceKind::Secret,
                    name: secret.name,
                    note: "Redshift deletes it with the warehouse; until then it costs, also while a cluster is paused"
                        .to_owned(),
                }));
            }
            Err(error) => notes.push(format!("the secrets were not listed ({error})")),
        }
        costing
    }
}

/// Whether an error only says that a service cannot be used here.
pub(crate) fn may_be_absent(error: &Error) -> bool {
    error.service().is_some_and(|error| {
        matches!(error.kind, ErrorKind::Unsupported | ErrorKind::AccessDenied | ErrorKind::Unavailable)
    })
}

pub(crate) fn brief(error: &Error) -> String {
    error.service().map_or_else(|| error.to_string(), ToString::to_string)
}
