//! The subnet group of a cluster, made of the configured subnets.

use std::collections::BTreeSet;

use super::{Differences, conflict};
use crate::{
    deployment::Deployment,
    error::{During, Result},
    pace::Subject,
    plan::{ResourceKind, Step},
    services::{ErrorKind, SubnetGroup},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::SubnetGroup;

impl Deployment {
    pub(crate) async fn read_subnet_group(&self, name: &str) -> Result<Option<SubnetGroup>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.clusters.subnet_group(name))
            .await
            .during(format!("reading the subnet group {name}"))
    }

    pub(crate) fn subnet_group_step(&self, around: &Surroundings, current: Option<&SubnetGroup>) -> Step {
        let name = around.names.subnet_group.as_str();
        let mut differences = Differences::default();
        let wanted: BTreeSet<_> = self.config.subnet_ids.iter().collect();
        let list = |ids: &BTreeSet<&String>| ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
        let Some(group) = current else {
            differences.of_new("subnets", list(&wanted));
            return differences.into_creation(KIND, name, None);
        };
        if !self.owns(&group.tags) {
            return conflict(KIND, name);
        }
        let present: BTreeSet<_> = group.subnet_ids.iter().collect();
        if present != wanted {
            differences.changed("subnets", list(&present), list(&wanted));
        }
        differences.tags(&group.tags, &around.tags);
        differences.into_step(KIND, name)
    }

    pub(crate) async fn create_subnet_group(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.subnet_group.as_str();
        let group = SubnetGroup {
            name: name.to_owned(),
            subnet_ids: self.config.subnet_ids.clone(),
            vpc_id: None,
            tags: around.tags.clone(),
        };
        let subject = Subject::new(KIND, name);
        match self.insist(subject, &[], || self.services.clusters.create_subnet_group(&group)).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(subject, || self.read_subnet_group(name), |group| &group.tags).await.map(|_| ())
            }
            made => made.during(format!("creating the subnet group {name}")),
        }
    }

    pub(crate) async fn change_subnet_group(&self, around: &Surroundings, group: &SubnetGroup) -> Result<()> {
        let name = around.names.subnet_group.as_str();
        let subject = Subject::new(KIND, name);
        let clusters = &self.services.clusters;
        let present: BTreeSet<_> = group.subnet_ids.iter().collect();
        if present != self.config.subnet_ids.iter().collect() {
            self.insist(subject, &[ErrorKind::InvalidState], || {
                clusters.set_subnets(name, &self.config.subnet_ids)
            })
            .await
            .during(format!("setting the subnets of the subnet group {name}"))?;
        }
        let arn = self.redshift_arn(around, "subnetgroup", name);
        self.insist(subject, &[], || clusters.tag_resource(&arn, &around.tags))
            .await
            .during(format!("tagging the subnet group {name}"))
    }

    /// Deletes the group. A cluster that is just gone may still hold it.
    pub(crate) async fn delete_subnet_group(&self, name: &str) -> Result<()> {
        let kinds = [ErrorKind::InUse, ErrorKind::InvalidState];
        self.insist(Subject::new(KIND, name), &kinds, || self.services.clusters.delete_subnet_group(name))
            .await
            .during(format!("deleting the subnet group {name}"))
    }

    /// The ARN of a Redshift resource by its kind and name.
    pub(crate) fn redshift_arn(&self, around: &Surroundings, kind: &str, name: &str) -> String {
        let partition = around.caller.partition();
        format!("arn:{partition}:redshift:{}:{}:{kind}:{name}", self.services.region, around.caller.account)
    }
}
