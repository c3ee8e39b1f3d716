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
    surroundings::{Need, Surroundings},
};

impl Deployment {
    pub(crate) async fn find_status(&self) -> Result<Status> {
        let around = self.surroundings(Need::Wanted).await?;
        let (present, steps) = self.compare(&around).await?;
        let present = self.only_ours(present);
        let mut notes = around.notes.clone();
        notes.extend(present.notes.iter().cloned());
        let surplus = self.find_surplus(&mut notes).await;
        let (state, mut detail, remedy) = self.judge(&around, &present, &steps);
        if state == State::Absent && !surplus.is_empty() {
            "there is nothing of what is configured, but something else of this deployment"
                .clone_into(&mut detail);
        }
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
            Kind::Serverless => age
                .zip(present.usage_limits.first())
                .and_then(|(age, limit)| CostEstimate::at_most(limit.limit, age, region))
                .map(cents),
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
            surplus,
            notes,
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
            used_parameters,
            namespace,
            workgroup,
            usage_limits,
            notes,
        } = present;
        Present {
            role: role.filter(|found| self.owns(&found.tags)),
            security_group: security_group.filter(|found| self.owns(&found.tags)),
            subnet_group: subnet_group.filter(|found| self.owns(&found.tags)),
            parameter_group: parameter_group.filter(|found| self.owns(&found.tags)),
            cluster: cluster.filter(|found| self.owns(&found.tags)),
            namespace: namespace.filter(|found| self.owns(&found.tags)),
            workgroup: workgroup.filter(|found| self.owns(&found.tags)),
            used_parameters,
            usage_limits,
            notes,
        }
    }

    fn judge(
        &self,
        around: &Surroundings,
        present: &Present,
        steps: &[Step],
    ) -> (State, String, Option<String>) {
        let role = around.role_arn();
        let roles = match self.config.kind {
            Kind::Cluster => present.cluster.as_ref().map(|cluster| &cluster.roles),
            Kind::Serverless => present.namespace.as_ref().map(|namespace| &namespace.roles),
        };
        let lacks = readiness::lacks(roles.map_or(&[][..], Vec::as_slice), &role);
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
            Some((Readiness::Ready, status)) => match lacks {
                // Without it COPY reads nothing.
                Some(lacks) => (State::Pending, format!("{status}, {lacks}"), provision()),
                None => (State::Ready, status.clone(), None),
            },
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
