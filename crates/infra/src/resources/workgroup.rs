//! The workgroup of Serverless: compute and network.

use std::collections::BTreeSet;

use super::{Differences, conflict};
use crate::{
    deployment::Deployment,
    error::{During, Error, Result},
    pace::{Look, Subject},
    plan::{ResourceKind, Step},
    readiness::{self, Readiness},
    services::{ErrorKind, NewWorkgroup, Workgroup, WorkgroupChange},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::Workgroup;

impl Deployment {
    pub(crate) async fn read_workgroup(&self, name: &str) -> Result<Option<Workgroup>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.serverless.workgroup(name))
            .await
            .during(format!("reading the workgroup {name}"))
    }

    pub(crate) fn workgroup_step(
        &self,
        around: &Surroundings,
        groups: &[String],
        current: Option<&Workgroup>,
    ) -> Step {
        let name = around.names.workgroup.as_str();
        let config = &self.config;
        let Some(workgroup) = current else { return self.new_workgroup(groups, None) };
        if !self.owns(&workgroup.tags) {
            return conflict(KIND, name);
        }
        let readiness = readiness::of_workgroup(workgroup);
        if let Readiness::Deleting(_) = readiness {
            let note = "an earlier one of this name is still being deleted; it is waited for";
            return self.new_workgroup(groups, Some(note));
        }
        let mut differences = Differences::default();
        for change in self.workgroup_changes(groups, workgroup) {
            let WorkgroupChange { base_capacity, max_capacity, publicly_accessible, security_group_ids } =
                change;
            if let Some(desired) = base_capacity {
                differences.push("base capacity", text(workgroup.base_capacity), text(Some(desired)), None);
            }
            if let Some(desired) = max_capacity {
                differences.push("most capacity", text(workgroup.max_capacity), text(Some(desired)), None);
            }
            if let Some(desired) = publicly_accessible {
                differences.changed("publicly accessible", workgroup.publicly_accessible, desired);
            }
            if let Some(desired) = security_group_ids {
                differences.changed(
                    "security groups",
                    workgroup.security_group_ids.join(", "),
                    desired.join(", "),
                );
            }
        }
        let port = workgroup.port.or_else(|| workgroup.endpoint.as_ref().map(|endpoint| endpoint.port));
        if let Some(port) = port.filter(|port| *port != config.port) {
            let why = "another port ends all connections: do it yourself, or correct the configuration";
            differences.shown("port", port, config.port, why);
        }
        if workgroup.requires_tls == Some(false) {
            let why = "this program uses TLS in any case, others may not: do it yourself (aws redshift-serverless \
                       update-workgroup --config-parameters parameterKey=require_ssl,parameterValue=true)";
            differences.shown("TLS required", false, true, why);
        }
        let (present, wanted): (BTreeSet<_>, BTreeSet<_>) =
            (workgroup.subnet_ids.iter().collect(), config.subnet_ids.iter().collect());
        if !wanted.is_empty() && present != wanted {
            let why = "other subnets move the endpoint: do it yourself, or make a new deployment";
            differences.shown("subnets", workgroup.subnet_ids.join(", "), config.subnet_ids.join(", "), why);
        }
        if let Some(namespace) =
            workgroup.namespace.as_ref().filter(|namespace| **namespace != around.names.namespace)
        {
            let why = "a workgroup stays with its namespace: make a new deployment";
            differences.shown("namespace", namespace, &around.names.namespace, why);
        }
        differences.tags(&workgroup.tags, &around.tags);
        let mut step = differences.into_step(KIND, name);
        if let Readiness::Pending(state) = readiness {
            step.note = Some(format!("it is not ready yet ({state}); it is waited for"));
        }
        step
    }

    fn new_workgroup(&self, groups: &[String], note: Option<&str>) -> Step {
        let config = &self.config;
        let mut differences = Differences::default();
        differences.of_new("base capacity", format!("{} RPUs", config.base_capacity));
        if let Some(most) = config.max_capacity {
            differences.of_new("most capacity", format!("{most} RPUs"));
        }
        differences.of_new("port", config.port);
        differences.of_new("publicly accessible", config.publicly_accessible);
        differences.of_new("security groups", groups.join(", "));
        let subnets = config.subnet_ids.join(", ");
        differences.of_new(
            "subnets",
            if subnets.is_empty() { "those of the default VPC" } else { subnets.as_str() },
        );
        differences.into_creation(KIND, &config.names().workgroup, note.map(str::to_owned))
    }

    /// The changes that can be made while it runs, each alone, as AWS takes them.
    fn workgroup_changes(&self, groups: &[String], workgroup: &Workgroup) -> Vec<WorkgroupChange> {
        let config = &self.config;
        let none = WorkgroupChange::default();
        let mut changes = Vec::new();
        if workgroup.base_capacity != Some(config.base_capacity) {
            changes.push(WorkgroupChange { base_capacity: Some(config.base_capacity), ..none.clone() });
        }
        if config.max_capacity.is_some() && workgroup.max_capacity != config.max_capacity {
            changes.push(WorkgroupChange { max_capacity: config.max_capacity, ..none.clone() });
        }
        if workgroup.publicly_accessible != config.publicly_accessible {
            changes.push(WorkgroupChange {
                publicly_accessible: Some(config.publicly_accessible),
                ..none.clone()
            });
        }
        let (present, wanted): (BTreeSet<_>, BTreeSet<_>) =
            (workgroup.security_group_ids.iter().collect(), groups.iter().collect());
        if !wanted.is_empty() && present != wanted {
            changes.push(WorkgroupChange { security_group_ids: Some(groups.to_vec()), ..none });
        }
        changes
    }

    pub(crate) async fn create_workgroup(&self, around: &Surroundings, groups: &[String]) -> Result<()> {
        let name = around.names.workgroup.as_str();
        let subject = Subject::new(KIND, name);
        self.wait_for(subject, "gone", || async {
            Ok(match self.read_workgroup(name).await? {
                Some(workgroup) if matches!(readiness::of_workgroup(&workgroup), Readiness::Deleting(_)) => {
                    Look::Pending(workgroup.status)
                }
                _ => Look::Done(()),
            })
        })
        .await?;
        let config = &self.config;
        let workgroup = NewWorkgroup {
            name: name.to_owned(),
            namespace: around.names.namespace.clone(),
            base_capacity: config.base_capacity,
            max_capacity: config.max_capacity,
            publicly_accessible: config.publicly_accessible,
            security_group_ids: groups.to_vec(),
            subnet_ids: config.subnet_ids.clone(),
            port: config.port,
            tags: around.tags.clone(),
        };
        let kinds = [ErrorKind::NotFound, ErrorKind::InvalidState];
        match self.insist(subject, &kinds, || self.services.serverless.create_workgroup(&workgroup)).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => self
                .adopt(subject, || self.read_workgroup(name), |workgroup| &workgroup.tags)
                .await
                .map(|_| ()),
            made => made.during(format!("creating the workgroup {name}")),
        }
    }

    pub(crate) async fn settle_workgroup(&self, name: &str) -> Result<Workgroup> {
        self.wait_for(Subject::new(KIND, name), "ready", || async {
            let Some(workgroup) = self.read_workgroup(name).await? else {
                return Ok(Look::Pending("not visible yet".to_owned()));
            };
            let look = readiness::of_workgroup(&workgroup).settled(KIND, name)?;
            Ok(look.map(|_| workgroup))
        })
        .await
    }

    pub(crate) async fn change_workgroup(&self, around: &Surroundings, groups: &[String]) -> Result<()> {
        let name = around.names.workgroup.as_str();
        let subject = Subject::new(KIND, name);
        let serverless = &self.services.serverless;
        let workgroup = self.settle_workgroup(name).await?;
        for change in self.workgroup_changes(groups, &workgroup) {
            self.settle_workgroup(name).await?;
            self.insist(subject, &[ErrorKind::InvalidState], || serverless.modify_workgroup(name, &change))
                .await
                .during(format!("changing the workgroup {name}"))?;
        }
        self.insist(subject, &[], || serverless.tag_resource(&workgroup.arn, &around.tags))
            .await
            .during(format!("tagging the workgroup {name}"))?;
        self.wait_for(subject, "changed", || async {
            let workgroup = self.settle_workgroup(name).await?;
            if self.workgroup_changes(groups, &workgroup).is_empty() {
                return Ok(Look::Done(()));
            }
            Ok(Look::Pending(format!("{}, changes not visible yet", workgroup.status)))
        })
        .await
    }

    /// Deletes the workgroup and waits until it is gone.
    pub(crate) async fn delete_workgroup(&self, name: &str) -> Result<()> {
        let subject = Subject::new(KIND, name);
        self.wait_for(subject, "free for another operation", || async {
            let request = || self.services.serverless.delete_workgroup(name);
            let error = match self.insist(subject, &[], request).await {
                Ok(()) => return Ok(Look::Done(())),
                Err(error) => error,
            };
            match self.read_workgroup(name).await? {
                None => Ok(Look::Done(())),
                Some(workgroup) if matches!(readiness::of_workgroup(&workgroup), Readiness::Deleting(_)) => {
                    Ok(Look::Done(()))
                }
                Some(workgroup) if error.kind == ErrorKind::InvalidState => {
                    Ok(Look::Pending(workgroup.status))
                }
                Some(_) => {
                    Err(Error::Service { action: format!("deleting the workgroup {name}"), source: error })
                }
            }
        })
        .await?;
        self.wait_for(subject, "gone", || async {
            Ok(self.read_workgroup(name).await?.map_or(Look::Done(()), |found| Look::Pending(found.status)))
        })
        .await
    }
}

fn text(rpus: Option<u32>) -> Option<String> {
    rpus.map(|rpus| format!("{rpus} RPUs"))
}
