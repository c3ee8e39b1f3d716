//! What there is to take away.

use crate::{
    config::{DEPLOYMENT_TAG, FinalSnapshotPolicy, Kind},
    deployment::Deployment,
    error::{During, Error, Result},
    plan::ResourceKind,
    policy::S3Place,
    readiness::{self, Readiness},
    services::{ErrorKind, FinalSnapshot, SecretEntry, SecurityGroup, ServiceError, Stored, Tags},
    status_of::rfc3339,
    teardown::{Remnant, Removal, RemovalStep, SnapshotDecision, TeardownPlan, kind_of},
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
            Err(error) if self.may_do_without(&error) => {
                notes.push(not_asked(&error));
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

        let Costing { found: costing, not_listed } = self.costing().await;
        notes.extend(not_listed);
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

    /// The snapshots, secrets and staged files that go on costing.
    pub(crate) async fn costing(&self) -> Costing {
        let names = self.config.names();
        let mut costing = Vec::new();
        let mut not_listed = Vec::new();
        let mut snapshots = Vec::new();
        match self.services.clusters.snapshots(&names.cluster).await {
            Ok(found) => snapshots.extend(found),
            Err(error) => not_listed.push(format!("the snapshots were not listed ({error})")),
        }
        match self.services.serverless.snapshots(&names.namespace).await {
            Ok(found) => snapshots.extend(found),
            Err(error) if self.has_no_serverless(&error) => {
                tracing::debug!(%error, "listing the snapshots of Serverless");
            }
            Err(error) => {
                not_listed.push(format!("the snapshots of the namespace were not listed ({error})"));
            }
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
        // Snapshots of other clusters that carry our tag: of one that was renamed, or restored.
        match self.services.clusters.tagged(DEPLOYMENT_TAG, &self.config.name).await {
            Ok(arns) => {
                for name in arns.iter().filter_map(|arn| snapshot_of(arn)) {
                    if !costing.iter().any(|known: &Remnant| known.name == name) {
                        costing.push(Remnant {
                            resource: ResourceKind::Snapshot,
                            name: name.to_owned(),
                            note: "it carries our tag and is of another cluster; its storage costs until it is deleted"
                                .to_owned(),
                        });
                    }
                }
            }
            Err(error) => not_listed.push(format!("snapshots with our tag were not listed ({error})")),
        }
        let prefix = format!("redshift!{}-", names.cluster);
        match self.services.secrets.secrets_named(&prefix).await {
            Ok(secrets) => {
                let ours = |secret: &SecretEntry| !secret.deleted && self.is_secret_of(&prefix, &secret.name);
                costing.extend(secrets.into_iter().filter(ours).map(|secret| Remnant {
                    resource: ResourceKind::Secret,
                    name: secret.name,
                    note: "Redshift deletes it with the warehouse; until then it costs, also while a cluster is paused"
                        .to_owned(),
                }));
            }
            Err(error) => not_listed.push(format!("the secrets were not listed ({error})")),
        }
        if let Some(place) = self.config.staging.as_deref().and_then(|text| S3Place::parse(text).ok()) {
            match self.services.buckets.stored(&place.bucket, &place.key).await {
                Ok(Stored { objects: 0, .. }) => {}
                Ok(Stored { objects, bytes, all }) => costing.push(Remnant {
                    resource: ResourceKind::StagedFiles,
                    name: place.to_string(),
                    note: format!(
                        "{}{objects} objects, {} MB, of loads that were broken off or of others who stage there; their \
                         storage costs until somebody deletes them",
                        if all { "" } else { "more than " },
                        bytes.div_ceil(1_000_000)
                    ),
                }),
                Err(error) => not_listed.push(format!("the files below {place} were not listed ({error})")),
            }
        }
        Costing { found: costing, not_listed }
    }

    /// Whether a secret is of an administrator of this warehouse, whoever that was when it was made. The name of
    /// another deployment may begin with that of this one: what follows it then has a hyphen, which few
    /// administrators have.
    fn is_secret_of(&self, prefix: &str, name: &str) -> bool {
        name.strip_prefix(prefix).is_some_and(|user| user == self.config.admin_user || !user.contains('-'))
    }

    /// Whether the error says that there is no Serverless here, and nobody asks for it: nothing can be left in it.
    pub(crate) fn has_no_serverless(&self, error: &ServiceError) -> bool {
        self.config.kind == Kind::Cluster && error.kind == ErrorKind::Unsupported
    }

    /// Whether the error only says that Serverless cannot be asked, and nobody asks for it here. A plan can be
    /// made without; whether that is a proof is another question.
    pub(crate) fn may_do_without(&self, error: &Error) -> bool {
        let kinds = [ErrorKind::Unsupported, ErrorKind::AccessDenied, ErrorKind::Unavailable];
        self.config.kind == Kind::Cluster && error.service().is_some_and(|error| kinds.contains(&error.kind))
    }
}

/// What goes on costing, and what could not be listed.
#[derive(Debug, Default)]
pub(crate) struct Costing {
    pub(crate) found: Vec<Remnant>,
    pub(crate) not_listed: Vec<String>,
}

/// That Serverless could not be asked.
pub(crate) fn not_asked(error: &Error) -> String {
    if is_unsupported(error) {
        return format!(
            "there is no Serverless here, and this deployment does not use it ({})",
            brief(error)
        );
    }
    format!(
        "Serverless could not be asked; whether something of this deployment is there is not known ({})",
        brief(error)
    )
}

/// Whether the service is not there at all, so that nothing can be left in it.
fn is_unsupported(error: &Error) -> bool {
    error.service().is_some_and(|error| error.kind == ErrorKind::Unsupported)
}

/// The name of a snapshot from its ARN, `arn:aws:redshift:region:account:snapshot:cluster/name`.
fn snapshot_of(arn: &str) -> Option<&str> {
    match kind_of(arn)? {
        (ResourceKind::Snapshot, path) => Some(path.split_once('/')?.1),
        _ => None,
    }
}

pub(crate) fn brief(error: &Error) -> String {
    error.service().map_or_else(|| error.to_string(), ToString::to_string)
}
