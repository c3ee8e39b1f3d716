//! A deployment and what can be done with it.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    config::{DeploymentConfig, Kind},
    doctor::Diagnosis,
    error::{ConfigError, Error, Result},
    events::{Observer, Unobserved},
    outputs::{Login, Outputs, Probe},
    plan::{Plan, ResourceKind},
    readiness::{self, Readiness},
    services::{Cluster, DatabaseCredentials, Services},
    status::Status,
    teardown::{SnapshotDecision, TeardownPlan, TeardownReport},
    timing::Timing,
};

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// What the deployment gives.
    pub outputs: Outputs,
    /// How the first connection went.
    pub probe: Probe,
    /// How many resources were made or changed.
    pub changed: usize,
    /// How long it took.
    #[serde(skip)]
    pub elapsed: Duration,
}

/// A deployment: what is wanted, and the services to make it so.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub(crate) config: DeploymentConfig,
    pub(crate) services: Services,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) timing: Timing,
}

impl Deployment {
    /// Puts the two together. The region of the configuration is set to that of the services if it has none.
    ///
    /// # Errors
    ///
    /// When a setting cannot be used, or the configuration is for another region than the services.
    pub fn new(config: DeploymentConfig, services: Services) -> Result<Self, ConfigError> {
        config.validate()?;
        let region = config.region_or(&services.region);
        if region != services.region {
            return Err(ConfigError::new(
                "region",
                format!("it is {region}, but the connection is to {}", services.region),
                "leave one of them out",
            ));
        }
        let config = DeploymentConfig { region: Some(region), ..config };
        Ok(Self { config, services, observer: Arc::new(Unobserved), timing: Timing::default() })
    }

    /// Has somebody watch.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets other deadlines and pauses.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// What is wanted.
    #[must_use]
    pub const fn config(&self) -> &DeploymentConfig {
        &self.config
    }

    /// Compares what is wanted with what is there. It changes nothing.
    ///
    /// # Errors
    ///
    /// When AWS cannot be asked, or what is wanted cannot be had there.
    pub async fn plan(&self) -> Result<Plan> {
        self.make_plan().await
    }

    /// Makes it so, and waits until it is ready. What the plan does not foresee is not done.
    ///
    /// It can be stopped by dropping the future, and run again with a new plan.
    ///
    /// # Errors
    ///
    /// When the plan has conflicts or is out of date, when AWS refuses, or when a deadline passes.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied> {
        self.apply_plan(plan).await
    }

    /// How it is. It changes nothing.
    ///
    /// # Errors
    ///
    /// When AWS cannot be asked.
    pub async fn status(&self) -> Result<Status> {
        self.find_status().await
    }

    /// Pauses the cluster and waits until it is paused. A cluster that is already paused is fine.
    ///
    /// # Errors
    ///
    /// When there is no cluster of ours, or it is not in a state that allows it.
    pub async fn pause(&self) -> Result<Outputs> {
        let resource = ResourceKind::Cluster;
        let cluster = self.own_cluster("pausing").await?;
        let name = cluster.id.clone();
        let cluster = match readiness::of_cluster(&cluster) {
            Readiness::Paused => cluster,
            Readiness::Stuck { state, remedy } => return Err(Error::Stuck { resource, name, state, remedy }),
            _ => self.watched(resource, &name, "pause", self.pause_and_settle(&name)).await?,
        };
        Ok(self.cluster_outputs(&cluster))
    }

    /// Resumes the cluster and waits until it is ready. A cluster that is not paused is fine.
    ///
    /// # Errors
    ///
    /// When there is no cluster of ours, or AWS has no capacity for it.
    pub async fn resume(&self) -> Result<Outputs> {
        let resource = ResourceKind::Cluster;
        let cluster = self.own_cluster("resuming").await?;
        let name = cluster.id.clone();
        let cluster = match readiness::of_cluster(&cluster) {
            Readiness::Ready => cluster,
            Readiness::Paused => {
                self.watched(resource, &name, "resume", self.resume_and_settle(&name)).await?
            }
            _ => self.watched(resource, &name, "wait", self.settle_cluster(&name)).await?.into_cluster(),
        };
        Ok(self.cluster_outputs(&cluster))
    }

    /// Goes through everything that must be right to use the warehouse. It changes nothing, and ends in time
    /// whatever does not answer.
    pub async fn doctor(&self) -> Diagnosis {
        self.examine().await
    }

    /// Says what teardown would take away. `decision` overrides the policy of the configuration; with
    /// [`SnapshotDecision::Undecided`] or `None` the policy decides, and `Ask` leaves it undecided.
    ///
    /// # Errors
    ///
    /// When AWS cannot be asked.
    pub async fn teardown_plan(&self, decision: Option<SnapshotDecision>) -> Result<TeardownPlan> {
        self.plan_teardown(decision).await
    }

    /// The final snapshot that would be taken now.
    #[must_use]
    pub fn final_snapshot(&self) -> SnapshotDecision {
        SnapshotDecision::Take(self.snapshot_now())
    }

    /// Takes it away in the order of dependencies, waits until it is gone, and then looks by tag and by name
    /// for what is left.
    ///
    /// # Errors
    ///
    /// When the final snapshot is not decided, or AWS cannot be asked. What cannot be deleted is no error but
    /// is in the report.
    pub async fn teardown(&self, plan: &TeardownPlan) -> Result<TeardownReport> {
        self.carry_out_teardown(plan).await
    }

    /// Where the warehouse of this name is, found by tag; a cluster or Serverless, whichever is there.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn resolve(&self) -> Result<Outputs> {
        self.find().await
    }

    /// Credentials of the database for some minutes. They are never stored.
    ///
    /// # Errors
    ///
    /// When AWS does not give them.
    pub async fn credentials(&self, outputs: &Outputs, login: Login) -> Result<DatabaseCredentials> {
        self.log_in(outputs, login).await
    }

    /// The cluster of this deployment. Serverless has nothing to pause.
    async fn own_cluster(&self, operation: &'static str) -> Result<Cluster> {
        if self.config.kind == Kind::Serverless {
            return Err(Error::WrongState {
                operation,
                resource: ResourceKind::Workgroup,
                name: self.config.names().workgroup,
                state: "Serverless, which rests by itself when no query runs".to_owned(),
                remedy: "nothing needs to be done: it costs only while queries run".to_owned(),
            });
        }
        let name = self.config.names().cluster;
        let missing =
            || Error::NoDeployment { name: self.config.name.clone(), region: self.services.region.clone() };
        let cluster = self.read_cluster(&name).await?.ok_or_else(missing)?;
        if !self.owns(&cluster.tags) {
            return Err(Error::Conflict { names: vec![format!("cluster {name}")] });
        }
        Ok(cluster)
    }
}
