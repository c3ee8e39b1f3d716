//! The provisioned cluster.

use std::future::Future;

use super::cluster_diff::ClusterWork;
use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    pace::{Look, Subject},
    plan::ResourceKind,
    readiness::{self, Readiness, Rest},
    services::{Answer, Cluster, ClusterChange, ErrorKind, FinalSnapshot, NewCluster},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::Cluster;

/// How a wait for a cluster ended.
#[derive(Debug, Clone)]
pub(crate) enum Settled {
    /// It is ready.
    Ready(Box<Cluster>),
    /// It is paused.
    Paused(Box<Cluster>),
}

impl Settled {
    pub(crate) fn into_cluster(self) -> Cluster {
        match self {
            Self::Ready(cluster) | Self::Paused(cluster) => *cluster,
        }
    }
}

impl Deployment {
    pub(crate) async fn read_cluster(&self, name: &str) -> Result<Option<Cluster>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.clusters.cluster(name))
            .await
            .during(format!("reading the cluster {name}"))
    }

    pub(crate) async fn create_cluster(&self, around: &Surroundings, groups: &[String]) -> Result<()> {
        let name = around.names.cluster.as_str();
        let config = &self.config;
        self.wait_while_deleting(name).await?;
        let cluster = NewCluster {
            id: name.to_owned(),
            node_type: config.node_type.clone(),
            nodes: config.nodes,
            database: config.database.clone(),
            admin_user: config.admin_user.clone(),
            port: config.port,
            publicly_accessible: config.publicly_accessible,
            role_arn: around.role_arn(),
            security_group_ids: groups.to_vec(),
            subnet_group: self.wanted_subnet_group(),
            parameter_group: self.wanted_parameter_group(),
            snapshot_retention_days: config.snapshot_retention_days,
            maintenance_window: config.maintenance_window.clone(),
            tags: around.tags.clone(),
        };
        let subject = Subject::new(KIND, name);
        // What was made a moment ago may not be known to Redshift yet: role, subnet group, parameter group.
        let kinds = [ErrorKind::RoleNotReady, ErrorKind::NotFound, ErrorKind::InvalidState];
        match self.insist(subject, &kinds, || self.services.clusters.create_cluster(&cluster)).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(subject, || self.read_cluster(name), |cluster| &cluster.tags).await.map(|_| ())
            }
            made => made.during(format!("creating the cluster {name}")),
        }
    }

    /// Waits until the cluster can be used or is paused. One that is not visible yet counts as pending; one that
    /// somebody begins to delete does not come back.
    pub(crate) async fn settle_cluster(&self, name: &str) -> Result<Settled> {
        self.settle_cluster_as(name, None).await
    }

    /// The same, and if it is ready, then with that role in force.
    pub(crate) async fn settle_cluster_with(&self, name: &str, role: &str) -> Result<Settled> {
        self.settle_cluster_as(name, Some(role)).await
    }

    async fn settle_cluster_as(&self, name: &str, role: Option<&str>) -> Result<Settled> {
        self.wait_for(Subject::new(KIND, name), "ready", || async {
            let Some(cluster) = self.read_cluster(name).await? else {
                return Ok(Look::Pending("not visible yet".to_owned()));
            };
            let look = readiness::of_cluster(&cluster).settled(KIND, name)?;
            if let Look::Done(Rest::Ready) = look
                && let Some(lacks) = role.and_then(|role| readiness::lacks(&cluster.roles, role))
            {
                return Ok(Look::Pending(format!("{}, {lacks}", cluster.status)));
            }
            Ok(look.map(|rest| match rest {
                Rest::Ready => Settled::Ready(Box::new(cluster)),
                Rest::Paused => Settled::Paused(Box::new(cluster)),
            }))
        })
        .await
    }

    /// Brings the changeable attributes in line, one request after another, each on a settled cluster; then waits
    /// until AWS shows them.
    pub(crate) async fn change_cluster(&self, around: &Surroundings, groups: &[String]) -> Result<Settled> {
        let name = around.names.cluster.as_str();
        let subject = Subject::new(KIND, name);
        let clusters = &self.services.clusters;
        let Settled::Ready(cluster) = self.settle_cluster(name).await? else {
            return Err(self.paused("changing it"));
        };
        let work = self.cluster_work(around, groups, &cluster);
        if work.roles {
            let role = around.role_arn();
            let kinds = [ErrorKind::RoleNotReady, ErrorKind::InvalidState];
            self.insist(subject, &kinds, || {
                clusters.modify_roles(name, std::slice::from_ref(&role), &[], &role)
            })
            .await
            .during(format!("attaching the role to the cluster {name}"))?;
            self.settle_cluster(name).await?;
        }
        if work.change != ClusterChange::default() {
            self.insist(subject, &[ErrorKind::InvalidState], || clusters.modify_cluster(name, &work.change))
                .await
                .during(format!("changing the cluster {name}"))?;
        }
        if work.tags {
            let arn = self.redshift_arn(around, "cluster", name);
            self.insist(subject, &[], || clusters.tag_resource(&arn, &around.tags))
                .await
                .during(format!("tagging the cluster {name}"))?;
        }
        // A change may show only after a while, and the status still be `available` until then.
        self.wait_for(subject, "changed", || async {
            let settled = self.settle_cluster(name).await?;
            let Settled::Ready(cluster) = &settled else { return Ok(Look::Done(settled)) };
            if self.cluster_work(around, groups, cluster) == ClusterWork::default() {
                return Ok(Look::Done(settled));
            }
            Ok(Look::Pending(format!("{}, changes not visible yet", cluster.status)))
        })
        .await
    }

    pub(crate) fn paused(&self, operation: &'static str) -> Error {
        Error::WrongState {
            operation,
            resource: KIND,
            name: self.config.names().cluster,
            state: "paused".to_owned(),
            remedy: "resume it first with `sparkify-cli resume`".to_owned(),
        }
    }

    async fn wait_while_deleting(&self, name: &str) -> Result<()> {
        self.wait_for(Subject::new(KIND, name), "gone", || async {
            Ok(match self.read_cluster(name).await? {
                Some(cluster) => match readiness::of_cluster(&cluster) {
                    Readiness::Deleting(state) => Look::Pending(state),
                    _ => Look::Done(()),
                },
                None => Look::Done(()),
            })
        })
        .await
    }

    /// Asks for something until it is accepted. While another operation is going on AWS refuses; and after a lost
    /// answer it refuses as well, since what was asked for has already begun.
    async fn ask_cluster<F, Fut>(
        &self,
        name: &str,
        action: &str,
        request: F,
        begun: fn(&Cluster) -> bool,
    ) -> Result<()>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Answer<()>>,
    {
        let subject = Subject::new(KIND, name);
        self.wait_for(subject, "free for another operation", || async {
            let error = match self.insist(subject, &[], &request).await {
                Ok(()) => return Ok(Look::Done(())),
                Err(error) => error,
            };
            let refused =
                Error::Service { action: format!("{action} the cluster {name}"), source: error.clone() };
            if !matches!(error.kind, ErrorKind::InvalidState | ErrorKind::AlreadyExists | ErrorKind::NotFound)
            {
                return Err(refused);
            }
            match self.read_cluster(name).await? {
                Some(cluster) if begun(&cluster) => Ok(Look::Done(())),
                Some(cluster) if error.kind == ErrorKind::InvalidState => Ok(Look::Pending(cluster.status)),
                _ => Err(refused),
            }
        })
        .await
    }

    /// Deletes a cluster in whatever state it is, and waits until it is gone.
    pub(crate) async fn delete_cluster(&self, name: &str, snapshot: Option<&FinalSnapshot>) -> Result<()> {
        let subject = Subject::new(KIND, name);
        let request = || self.services.clusters.delete_cluster(name, snapshot.cloned());
        let leaves = |cluster: &Cluster| matches!(readiness::of_cluster(cluster), Readiness::Deleting(_));
        // Of a paused cluster AWS may refuse to take a snapshot: then it is resumed for it.
        let stops = |cluster: &Cluster| {
            matches!(readiness::of_cluster(cluster), Readiness::Deleting(_) | Readiness::Paused)
        };
        let asked = self
            .ask_cluster(name, "deleting", request, if snapshot.is_some() { stops } else { leaves })
            .await;
        if !is_gone(&asked) {
            asked?;
        }
        let current = self.read_cluster(name).await?;
        let paused = current.is_some_and(|cluster| readiness::of_cluster(&cluster) == Readiness::Paused);
        if paused && snapshot.is_some() {
            self.resume_and_settle(name).await?;
            self.ask_cluster(name, "deleting", request, leaves).await?;
        }
        self.wait_for(subject, "gone", || async {
            Ok(self.read_cluster(name).await?.map_or(Look::Done(()), |cluster| Look::Pending(cluster.status)))
        })
        .await
    }

    pub(crate) async fn resume_and_settle(&self, name: &str) -> Result<Cluster> {
        let request = || self.services.clusters.resume_cluster(name);
        let begun =
            |cluster: &Cluster| cluster.status == "resuming" || cluster.status.starts_with("available");
        self.ask_cluster(name, "resuming", request, begun).await?;
        // It may be shown as paused for a moment longer.
        self.wait_for(Subject::new(KIND, name), "resumed", || async {
            match self.settle_cluster(name).await? {
                Settled::Ready(cluster) => Ok(Look::Done(*cluster)),
                Settled::Paused(cluster) => Ok(Look::Pending(cluster.status)),
            }
        })
        .await
    }

    pub(crate) async fn pause_and_settle(&self, name: &str) -> Result<Cluster> {
        let request = || self.services.clusters.pause_cluster(name);
        let begun = |cluster: &Cluster| matches!(cluster.status.as_str(), "pausing" | "paused");
        self.ask_cluster(name, "pausing", request, begun).await?;
        self.wait_for(Subject::new(KIND, name), "paused", || async {
            match self.settle_cluster(name).await? {
                Settled::Paused(cluster) => Ok(Look::Done(*cluster)),
                Settled::Ready(cluster) => Ok(Look::Pending(cluster.status)),
            }
        })
        .await
    }
}

/// Whether the error says that the resource is not there any more, which for a deletion is success.
fn is_gone(result: &Result<()>) -> bool {
    matches!(result, Err(Error::Service { source, .. }) if source.kind == ErrorKind::NotFound)
}
