//! The usage limit of Serverless. It is part of its workgroup and goes with it.

use super::Differences;
use crate::{
    config::{BreachAction, Period, UsageLimit},
    deployment::Deployment,
    error::{During, Result},
    pace::{Look, Subject},
    plan::{ResourceKind, Step},
    services::{ErrorKind, ExistingUsageLimit},
};

const KIND: ResourceKind = ResourceKind::UsageLimit;

impl Deployment {
    pub(crate) async fn read_usage_limits(&self, workgroup_arn: &str) -> Result<Vec<ExistingUsageLimit>> {
        let name = self.config.names().workgroup;
        self.insist(Subject::new(KIND, &name), &[], || self.services.serverless.usage_limits(workgroup_arn))
            .await
            .during(format!("reading the usage limits of the workgroup {name}"))
    }

    pub(crate) fn usage_limit_step(&self, wanted: UsageLimit, current: &[ExistingUsageLimit]) -> Step {
        let name = self.config.names().workgroup;
        let mut differences = Differences::default();
        for other in current.iter().filter(|other| other.limit.period != wanted.period) {
            let why = "somebody else may have set it: delete it yourself if nobody needs it";
            differences.push("further limit", Some(in_words(other.limit)), None, Some(why.to_owned()));
        }
        let Some(same) = current.iter().find(|other| other.limit.period == wanted.period) else {
            differences.of_new("limit", in_words(wanted));
            return differences.into_creation(KIND, &name, None);
        };
        if same.limit != wanted {
            differences.changed("limit", in_words(same.limit), in_words(wanted));
        }
        differences.into_step(KIND, &name)
    }

    pub(crate) async fn set_usage_limit(&self, workgroup_arn: &str, wanted: UsageLimit) -> Result<()> {
        let name = self.config.names().workgroup;
        let subject = Subject::new(KIND, &name);
        let serverless = &self.services.serverless;
        let current = self.read_usage_limits(workgroup_arn).await?;
        let set = match current.iter().find(|other| other.limit.period == wanted.period) {
            Some(same) => self.insist(subject, &[], || serverless.modify_usage_limit(&same.id, wanted)).await,
            None => {
                let kinds = [ErrorKind::NotFound, ErrorKind::InvalidState];
                let made = self
                    .insist(subject, &kinds, || serverless.create_usage_limit(workgroup_arn, wanted))
                    .await;
                if made.as_ref().is_err_and(|error| error.kind == ErrorKind::AlreadyExists) {
                    // After a lost answer it is already there; but it may be another one, that somebody else set.
                    match self.existing_usage_limit(workgroup_arn, wanted).await? {
                        same if same.limit == wanted => Ok(()),
                        other => {
                            self.insist(subject, &[], || serverless.modify_usage_limit(&other.id, wanted))
                                .await
                        }
                    }
                } else {
                    made
                }
            }
        };
        set.during(format!("setting the usage limit of the workgroup {name}"))
    }
}

impl Deployment {
    /// The limit of that period, which is there, once it is visible.
    async fn existing_usage_limit(
        &self,
        workgroup_arn: &str,
        wanted: UsageLimit,
    ) -> Result<ExistingUsageLimit> {
        let name = self.config.names().workgroup;
        self.wait_for(Subject::new(KIND, &name), "visible", || async {
            let found = self.read_usage_limits(workgroup_arn).await?;
            let same = found.into_iter().find(|other| other.limit.period == wanted.period);
            Ok(same.map_or_else(|| Look::Pending("not visible yet".to_owned()), Look::Done))
        })
        .await
    }
}

fn in_words(limit: UsageLimit) -> String {
    let period = match limit.period {
        Period::Daily => "day",
        Period::Weekly => "week",
        Period::Monthly => "month",
    };
    let then = match limit.on_breach {
        BreachAction::Deactivate => "then queries are refused",
        BreachAction::EmitMetric => "then a metric is set",
        BreachAction::Log => "then it is noted",
    };
    format!("{} RPU-hours a {period}, {then}", limit.rpu_hours)
}
