//! Doing what the plan says.

use std::time::Duration;

use crate::{
    config::Kind,
    deployment::{Applied, Deployment},
    error::{Error, Result},
    events::Event,
    outputs::Probe,
    plan::{Action, Plan, Present, ResourceKind, Step},
    resources::cluster::Settled,
    surroundings::{Need, Surroundings},
};

impl Deployment {
    pub(crate) async fn apply_plan(&self, plan: &Plan) -> Result<Applied> {
        let started = self.services.clock.monotonic();
        let around = self.surroundings(Need::Required).await?;
        self.check_plan(plan, &around)?;
        let mut present = Present::default();
        let mut changed = 0;
        for kind in self.kinds() {
            self.read(kind, &around, &mut present).await?;
            let Some(step) = self.step(kind, &around, &present) else { continue };
            check_step(plan, &step)?;
            if step.action != Action::Keep {
                self.observed(&step, self.carry_out(&step, &around, &present)).await?;
                self.read(kind, &around, &mut present).await?;
                changed += 1;
            }
            self.settle(kind, &around, &mut present).await?;
        }
        let outputs = match self.config.kind {
            Kind::Cluster => present.cluster.as_ref().map(|cluster| self.cluster_outputs(cluster)),
            Kind::Serverless => present
                .workgroup
                .as_ref()
                .map(|workgroup| self.serverless_outputs(workgroup, present.namespace.as_ref())),
        };
        let outputs = outputs.ok_or_else(|| Error::NoDeployment {
            name: self.config.name.clone(),
            region: self.services.region.clone(),
        })?;
        let probe = if outputs.state == "paused" {
            Probe::Skipped { reason: "the cluster is paused".to_owned() }
        } else {
            self.probe(&outputs).await
        };
        Ok(Applied { outputs, probe, changed, elapsed: self.since(started) })
    }

    fn since(&self, started: Duration) -> Duration {
        self.services.clock.monotonic().saturating_sub(started)
    }

    /// Whether the plan is one of this deployment and can be applied at all.
    fn check_plan(&self, plan: &Plan, around: &Surroundings) -> Result<()> {
        let conflicts: Vec<_> =
            plan.conflicts().iter().map(|step| format!("{} {}", step.resource, step.name)).collect();
        if !conflicts.is_empty() {
            return Err(Error::Conflict { names: conflicts });
        }
        let ours = (&self.config.name, &self.services.region, &around.caller.account, self.config.kind);
        if (&plan.deployment, &plan.region, &plan.account, plan.kind) == ours {
            return Ok(());
        }
        Err(Error::Stale {
            resource: ResourceKind::Cluster,
            name: plan.deployment.clone(),
            change: format!(
                "the plan is for {} {} in {} of account {}",
                plan.kind, plan.deployment, plan.region, plan.account
            ),
        })
    }

    async fn carry_out(&self, step: &Step, around: &Surroundings, present: &Present) -> Result<()> {
        let groups = self.wanted_groups(around, present);
        let limited = self.config.usage_limit.zip(present.workgroup.as_ref());
        match (step.resource, step.action) {
            (ResourceKind::Role, Action::Create) => self.create_role(around).await,
            (ResourceKind::SecurityGroup, Action::Create) => self.create_security_group(around).await,
            (ResourceKind::SubnetGroup, Action::Create) => self.create_subnet_group(around).await,
            (ResourceKind::ParameterGroup, Action::Create) => self.create_parameter_group(around).await,
            (ResourceKind::Cluster, Action::Create) => self.create_cluster(around, &groups).await,
            (ResourceKind::Namespace, Action::Create) => self.create_namespace(around).await,
            (ResourceKind::Workgroup, Action::Create) => self.create_workgroup(around, &groups).await,
            (ResourceKind::Role, Action::Change) => match &present.role {
                Some(role) => self.change_role(around, role).await,
                None => Ok(()),
            },
            (ResourceKind::SecurityGroup, Action::Change) => match &present.security_group {
                Some(group) => self.change_security_group(around, group).await,
                None => Ok(()),
            },
            (ResourceKind::SubnetGroup, Action::Change) => match &present.subnet_group {
                Some(group) => self.change_subnet_group(around, group).await,
                None => Ok(()),
            },
            (ResourceKind::ParameterGroup, Action::Change) => self.change_parameter_group(around).await,
            (ResourceKind::Cluster, Action::Change) => self.change_cluster(around, &groups).await.map(|_| ()),
            (ResourceKind::Namespace, Action::Change) => self.change_namespace(around).await,
            (ResourceKind::Workgroup, Action::Change) => self.change_workgroup(around, &groups).await,
            (ResourceKind::UsageLimit, Action::Create | Action::Change) => match limited {
                Some((limit, workgroup)) => self.set_usage_limit(&workgroup.arn, limit).await,
                None => Ok(()),
            },
            (_, Action::Keep | Action::Conflict)
            | (ResourceKind::Snapshot | ResourceKind::Secret | ResourceKind::StagedFiles, _) => Ok(()),
        }
    }

    /// Waits until the resource can be used, and has the next ones see what was made.
    async fn settle(&self, kind: ResourceKind, around: &Surroundings, present: &mut Present) -> Result<()> {
        let names = &around.names;
        match kind {
            // Its id is needed for the warehouse. A group just made may not be visible yet.
            ResourceKind::SecurityGroup => {
                let subject = crate::pace::Subject::new(kind, &names.security_group);
                let group =
                    self.adopt(subject, || self.read_security_group(around), |group| &group.tags).await?;
                present.security_group = Some(group);
            }
            ResourceKind::Cluster => {
                let settled = self.settle_cluster_with(&names.cluster, &around.role_arn()).await?;
                if let Settled::Paused(_) = settled {
                    self.note("the cluster is paused: `sparkify-cli resume` makes it usable");
                }
                present.cluster = Some(settled.into_cluster());
            }
            ResourceKind::Namespace => {
                let namespace = self.settle_namespace_with(&names.namespace, &around.role_arn()).await?;
                present.namespace = Some(namespace);
            }
            ResourceKind::Workgroup => {
                present.workgroup = Some(self.settle_workgroup(&names.workgroup).await?);
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn note(&self, text: &str) {
        self.observer.event(&Event::Note(text.to_owned()));
    }

    async fn observed<T>(&self, step: &Step, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.watched(step.resource, &step.name, Event::verb(step.action), work).await
    }

    /// Tells the observer when the work begins and when it has ended well.
    pub(crate) async fn watched<T>(
        &self,
        resource: ResourceKind,
        name: &str,
        what: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let name = name.to_owned();
        self.observer.event(&Event::Started { resource, name: name.clone(), what });
        let started = self.services.clock.monotonic();
        let done = work.await?;
        self.observer.event(&Event::Finished { resource, name, what, elapsed: self.since(started) });
        Ok(done)
    }
}

/// Whether the plan that was agreed to allows for what is to be done now. Others may have been at work on the
/// same configuration: that what was to be made is there already is fine.
fn check_step(plan: &Plan, now: &Step) -> Result<()> {
    let name = format!("{} {}", now.resource, now.name);
    let planned = plan.steps.iter().find(|step| (step.resource, &step.name) == (now.resource, &now.name));
    let stale = |change: &str| {
        Err(Error::Stale { resource: now.resource, name: now.name.clone(), change: change.to_owned() })
    };
    match (planned.map(|step| step.action), now.action) {
        (_, Action::Conflict) => Err(Error::Conflict { names: vec![name] }),
        (None, _) => stale("the plan does not have it"),
        (_, Action::Keep) | (Some(Action::Create | Action::Change), Action::Change) => Ok(()),
        (Some(Action::Create), Action::Create) => Ok(()),
        (_, Action::Create) => stale("it is gone"),
        (_, Action::Change) => {
            let changed: Vec<_> =
                now.differences.iter().map(|difference| difference.attribute.as_str()).collect();
            stale(&format!("it differs in {}", changed.join(", ")))
        }
    }
}
