//! The parameter group of a cluster, made only if parameters are configured: the default one already requires
//! TLS.

use std::collections::BTreeMap;

use super::{Differences, conflict};
use crate::{
    deployment::Deployment,
    error::{During, Result},
    pace::Subject,
    plan::{ResourceKind, Step},
    services::{ErrorKind, ParameterGroup},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::ParameterGroup;
const FAMILY: &str = "redshift-2.0";

impl Deployment {
    /// What the group holds: what is configured, and that TLS is required.
    fn parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = self.config.parameters.clone();
        parameters.insert("require_ssl".to_owned(), "true".to_owned());
        parameters
    }

    pub(crate) async fn read_parameter_group(&self, name: &str) -> Result<Option<ParameterGroup>> {
        self.insist(Subject::new(KIND, name), &[], || self.services.clusters.parameter_group(name))
            .await
            .during(format!("reading the parameter group {name}"))
    }

    pub(crate) fn parameter_group_step(
        &self,
        around: &Surroundings,
        current: Option<&ParameterGroup>,
    ) -> Step {
        let name = around.names.parameter_group.as_str();
        let mut differences = Differences::default();
        let Some(group) = current else {
            for (parameter, value) in self.parameters() {
                differences.of_new(&parameter, value);
            }
            return differences.into_creation(KIND, name, None);
        };
        if !self.owns(&group.tags) {
            return conflict(KIND, name);
        }
        for (parameter, value) in self.parameters() {
            let current = group.parameters.get(&parameter);
            if current != Some(&value) {
                differences.push(&parameter, current.cloned(), Some(value), None);
            }
        }
        differences.tags(&group.tags, &around.tags);
        differences.into_step(KIND, name)
    }

    pub(crate) async fn create_parameter_group(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.parameter_group.as_str();
        let clusters = &self.services.clusters;
        let subject = Subject::new(KIND, name);
        match self.insist(subject, &[], || clusters.create_parameter_group(name, FAMILY, &around.tags)).await
        {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(subject, || self.read_parameter_group(name), |group| &group.tags).await?;
            }
            made => made.during(format!("creating the parameter group {name}"))?,
        }
        self.set_parameters(name).await
    }

    pub(crate) async fn change_parameter_group(&self, around: &Surroundings) -> Result<()> {
        let name = around.names.parameter_group.as_str();
        self.set_parameters(name).await?;
        let arn = self.redshift_arn(around, "parametergroup", name);
        self.insist(Subject::new(KIND, name), &[], || self.services.clusters.tag_resource(&arn, &around.tags))
            .await
            .during(format!("tagging the parameter group {name}"))
    }

    async fn set_parameters(&self, name: &str) -> Result<()> {
        let parameters = self.parameters();
        let kinds = [ErrorKind::NotFound, ErrorKind::InvalidState];
        self.insist(Subject::new(KIND, name), &kinds, || {
            self.services.clusters.set_parameters(name, &parameters)
        })
        .await
        .during(format!("setting the parameters of the parameter group {name}"))
    }

    /// Deletes the group. A cluster that is just gone may still hold it.
    pub(crate) async fn delete_parameter_group(&self, name: &str) -> Result<()> {
        let kinds = [ErrorKind::InUse, ErrorKind::InvalidState];
        self.insist(Subject::new(KIND, name), &kinds, || self.services.clusters.delete_parameter_group(name))
            .await
            .during(format!("deleting the parameter group {name}"))
    }
}
