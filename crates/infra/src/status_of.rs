//! Finding out how a deployment is.

use std::time::SystemTime;

use crate::{
    config::Kind,
    cost::CostEstimate,
    deployment::Deployment,
    error::Result,
    plan::{Action, Present, Step},
    readiness::{self, Readiness},
    status::{State, Status},
    surroundings::Need,
};

impl Deployment {
    pub(crate) async fn find_status(&self) -> Result<Status> {
        let around = self.surroundings(Need::Wanted).await?;
        let (present, steps) = self.compare(&around).await?;
        let present = self.only_ours(present);
        let (state, detail, remedy) = self.judge(&present, &steps);
        let cluster = present.cluster.as_ref();
        let workgroup = present.workgroup.as_ref();
        let region = self.services.region.as_str();
        let (outputs, size, created, cost) = match self.config.kind {
            Kind::Cluster => (
                cluster.map(|cluster| self.cluster_outputs(cluster)),
                cluster.map(|cluster| format!("{} × {}", cluster.nodes, cluster.node_type)),
                cluster.and_then(|cluster| cluster.created_at),
                cluster.map(|cluster| CostEstimate::of_cluster(&cluster.node_type, cluster.nodes, region)),
            ),
            Kind::Serverless => (
                workgroup.map(|workgroup| self.serverless_outputs(workgroup, present.namespace.as_ref())),
                workgroup.and_then(|workgroup| workgroup.base_capacity).map(|base| format!("{base} RPUs")),
                workgroup.and_then(|workgroup| workgroup.created_at),
                workgroup.and_then(|workgroup| workgroup.base_capacity).map(|base| {
                    let limit = present.usage_limits.first().map(|limit| limit.limit);
                    CostEstimate::of_serverless(base, limit, region)
                }),
            ),
        };
        let age = created.and_then(|created| self.services.clock.now().duration_since(created).ok());
        let cost = cost.unwrap_or_else(|| self.wanted_cost());
        let accrued = match self.config.kind {
            Kind::Cluster => {
                age.zip(cost.usd_per_hour).map(|(age, usd)| cents(age.as_secs_f64() / 3600.0 * usd))
            }
            Kind::Serverless => None,
        };
        let exists = !matches!(state, State::Absent);
        Ok(Status {
            state,
            detail,
            remedy,
            outputs,
            size,
            created_at: created.map(rfc3339),
            age_seconds: age.map(|age| age.as_secs()),
            cost,
            accrued_usd_at_most: accrued,
            drift: steps.into_iter().filter(|step| exists && drifted(step)).collect(),
            notes: around.notes,
        })
    }

    /// Leaves out what has our name and not our tag.
    fn only_ours(&self, present: Present) -> Present {
        let Present {
            role,
            security_group,
            subnet_group,
            parameter_group,
            cluster,
            namespace,
            workgroup,
            usage_limits,
        } = present;
        Present {
            role: role.filter(|found| self.owns(&found.tags)),
            security_group: security_group.filter(|found| self.owns(&found.tags)),
            subnet_group: subnet_group.filter(|found| self.owns(&found.tags)),
            parameter_group: parameter_group.filter(|found| self.owns(&found.tags)),
            cluster: cluster.filter(|found| self.owns(&found.tags)),
            namespace: namespace.filter(|found| self.owns(&found.tags)),
            workgroup: workgroup.filter(|found| self.owns(&found.tags)),
            usage_limits,
        }
    }

    fn judge(&self, present: &Present, steps: &[Step]) -> (State, String, Option<String>) {
        let readiness = match self.config.kind {
            Kind::Cluster => {
                present.cluster.as_ref().map(|cluster| (readiness::of_cluster(cluster), &cluster.status))
            }
            Kind::Serverless => present
                .workgroup
                .as_ref()
                .map(|workgroup| (readiness::of_workgroup(workgroup), &workgroup.status)),
        };
        let provision = || Some("run `sparkify-cli provision`".to_owned());
        match readiness {
            Some((Readiness::Ready, status)) => (State::Ready, status.clone(), None),
            Some((Readiness::Paused, status)) => {
                let remedy = "resume it with `sparkify-cli resume`; its storage goes on costing".to_owned();
                (State::Paused, status.clone(), Some(remedy))
            }
            Some((Readiness::Pending(state), _)) => (State::Pending, state, None),
            Some((Readiness::Deleting(state), _)) => (State::Deleting, state, None),
            Some((Readiness::Stuck { state, remedy }, _)) => (State::Stuck, state, Some(remedy)),
            None => {
                let there: Vec<_> = steps
                    .iter()
                    .filter(|step| matches!(step.action, Action::Keep | Action::Change))
                    .map(|step| format!("{} {}", step.resource, step.name))
                    .collect();
                if there.is_empty() {
                    return (State::Absent, "there is nothing of it".to_owned(), provision());
                }
                (State::Incomplete, format!("there is no warehouse, only {}", there.join(", ")), provision())
            }
        }
    }
}

fn drifted(step: &Step) -> bool {
    !step.differences.is_empty() || step.action == Action::Conflict
}

fn cents(usd: f64) -> f64 {
    (usd * 100.0).round() / 100.0
}

pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
