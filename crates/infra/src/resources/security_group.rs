//! The security group that says who may connect.

use super::{Differences, conflict};
use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    pace::Subject,
    plan::{ResourceKind, Step},
    services::{ErrorKind, NewSecurityGroup, SecurityGroup},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::SecurityGroup;

impl Deployment {
    /// The group with our name in our VPC. Names are unique within a VPC only.
    pub(crate) async fn read_security_group(&self, around: &Surroundings) -> Result<Option<SecurityGroup>> {
        let name = around.names.security_group.as_str();
        let network = self.network()?;
        let groups = self
            .insist(Subject::new(KIND, name), &[], || network.security_groups_named(name))
            .await
            .during(format!("reading the security group {name}"))?;
        Ok(groups.into_iter().find(|group| match &around.vpc_id {
            Some(vpc_id) => group.vpc_id == *vpc_id,
            None => self.owns(&group.tags),
        }))
    }

    pub(crate) fn security_group_step(&self, around: &Surroundings, current: Option<&SecurityGroup>) -> Step {
        let name = around.names.security_group.as_str();
        let mut differences = Differences::default();
        let Some(group) = current else {
            differences.of_new("VPC", around.vpc_id.as_deref().unwrap_or("unknown"));
            for rule in around.ingress.iter().flatten() {
                differences.of_new("may connect", rule);
            }
            return differences.into_creation(KIND, name, None);
        };
        if !self.owns(&group.tags) {
            return conflict(KIND, name);
        }
        if let Some(ingress) = &around.ingress {
            for rule in ingress.iter().filter(|rule| !group.ingress.contains(rule)) {
                differences.push("may connect", None, Some(rule.to_string()), None);
            }
            for rule in group.ingress.iter().filter(|rule| !ingress.contains(rule)) {
                differences.push("may connect", Some(rule.to_string()), None, None);
            }
        }
        differences.tags(&group.tags, &around.tags);
        differences.into_step(KIND, name)
    }

    /// Makes the group and lets in who may; what is already there of it stays.
    pub(crate) async fn create_security_group(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.security_group.as_str();
        let Some(vpc_id) = around.vpc_id.clone() else { return Err(Error::NoNetwork) };
        let group = NewSecurityGroup {
            name: name.to_owned(),
            vpc_id,
            description: format!("Who may connect to the warehouse of deployment {}", self.config.name),
            tags: around.tags.clone(),
        };
        let network = self.network()?;
        let subject = Subject::new(KIND, name);
        let made = self.insist(subject, &[], || network.create_security_group(&group)).await;
        let id = match made {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(subject, || self.read_security_group(around), |group| &group.tags).await?.id
            }
            made => made.during(format!("creating the security group {name}"))?,
        };
        for rule in around.ingress.iter().flatten() {
            // A group just made may not be there for the next request.
            self.insist(subject, &[ErrorKind::NotFound], || network.allow(&id, rule))
                .await
                .during(format!("letting {rule} into the security group {name}"))?;
        }
        Ok(())
    }

    pub(crate) async fn change_security_group(
        &self,
        around: &Surroundings,
        group: &SecurityGroup,
    ) -> Result<()> {
        let name = around.names.security_group.as_str();
        let subject = Subject::new(KIND, name);
        let network = self.network()?;
        if let Some(ingress) = &around.ingress {
            // The new rules first, so that nobody is locked out in between.
            for rule in ingress.iter().filter(|rule| !group.ingress.contains(rule)) {
                self.insist(subject, &[], || network.allow(&group.id, rule))
                    .await
                    .during(format!("letting {rule} into the security group {name}"))?;
            }
            for rule in group.ingress.iter().filter(|rule| !ingress.contains(rule)) {
                self.insist(subject, &[], || network.revoke(&group.id, rule))
                    .await
                    .during(format!("taking {rule} out of the security group {name}"))?;
            }
        }
        self.insist(subject, &[], || network.tag(&group.id, &around.tags))
            .await
            .during(format!("tagging the security group {name}"))
    }

    /// Deletes the group. The network interfaces of a cluster that is gone hold it for some minutes.
    pub(crate) async fn delete_security_group(&self, group: &SecurityGroup) -> Result<()> {
        let network = self.network()?;
        self.insist(Subject::new(KIND, &group.name), &[ErrorKind::InUse], || {
            network.delete_security_group(&group.id)
        })
        .await
        .during(format!("deleting the security group {}", group.name))
    }
}
