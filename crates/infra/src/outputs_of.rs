//! Finding a deployment by name and tag, and logging in to it.

use crate::{
    config::Kind,
    deployment::Deployment,
    error::{During, Error, Result},
    outputs::{Login, Outputs},
    services::{AttachedRole, Cluster, DatabaseCredentials, Namespace, Workgroup},
};

impl Deployment {
    pub(crate) fn cluster_outputs(&self, cluster: &Cluster) -> Outputs {
        Outputs {
            deployment: self.config.name.clone(),
            region: self.services.region.clone(),
            kind: Kind::Cluster,
            warehouse: cluster.id.clone(),
            state: cluster.status.clone(),
            endpoint: cluster.endpoint.clone().filter(|endpoint| !endpoint.host.is_empty()),
            database: cluster.database.clone().unwrap_or_else(|| self.config.database.clone()),
            admin_user: cluster.admin_user.clone(),
            role_arn: self.our_role(&cluster.roles),
            admin_secret_arn: cluster.admin_secret_arn.clone(),
        }
    }

    pub(crate) fn serverless_outputs(&self, workgroup: &Workgroup, namespace: Option<&Namespace>) -> Outputs {
        let database = namespace.and_then(|namespace| namespace.database.clone());
        Outputs {
            deployment: self.config.name.clone(),
            region: self.services.region.clone(),
            kind: Kind::Serverless,
            warehouse: workgroup.name.clone(),
            state: workgroup.status.clone(),
            endpoint: workgroup.endpoint.clone().filter(|endpoint| !endpoint.host.is_empty()),
            database: database.unwrap_or_else(|| self.config.database.clone()),
            admin_user: namespace.and_then(|namespace| namespace.admin_user.clone()),
            role_arn: namespace.and_then(|namespace| self.our_role(&namespace.roles)),
            admin_secret_arn: namespace.and_then(|namespace| namespace.admin_secret_arn.clone()),
        }
    }

    fn our_role(&self, roles: &[AttachedRole]) -> Option<String> {
        let suffix = format!("/{}", self.config.names().role);
        roles.iter().find(|role| role.arn.ends_with(&suffix)).map(|role| role.arn.clone())
    }

    pub(crate) async fn find(&self) -> Result<Outputs> {
        let order = match self.config.kind {
            Kind::Cluster => [Kind::Cluster, Kind::Serverless],
            Kind::Serverless => [Kind::Serverless, Kind::Cluster],
        };
        for kind in order {
            let found = match kind {
                Kind::Cluster => self.find_cluster().await,
                Kind::Serverless => self.find_serverless().await,
            };
            match found {
                Ok(Some(outputs)) => return Ok(outputs),
                Ok(None) => {}
                Err(error) if kind == self.config.kind => return Err(error),
                // The other service need not be there, or be allowed, for those who do not use it.
                Err(error) => tracing::debug!(%error, "looking for a {kind}"),
            }
        }
        Err(Error::NoDeployment { name: self.config.name.clone(), region: self.services.region.clone() })
    }

    async fn find_cluster(&self) -> Result<Option<Outputs>> {
        let cluster = self.read_cluster(&self.config.names().cluster).await?;
        Ok(cluster.filter(|cluster| self.owns(&cluster.tags)).map(|cluster| self.cluster_outputs(&cluster)))
    }

    async fn find_serverless(&self) -> Result<Option<Outputs>> {
        let names = self.config.names();
        let workgroup = self.read_workgroup(&names.workgroup).await?;
        let Some(workgroup) = workgroup.filter(|workgroup| self.owns(&workgroup.tags)) else {
            return Ok(None);
        };
        let namespace = self.read_namespace(&names.namespace).await?;
        let namespace = namespace.filter(|namespace| self.owns(&namespace.tags));
        Ok(Some(self.serverless_outputs(&workgroup, namespace.as_ref())))
    }

    pub(crate) async fn log_in(&self, outputs: &Outputs, login: Login) -> Result<DatabaseCredentials> {
        let (name, database) = (outputs.warehouse.as_str(), outputs.database.as_str());
        let services = &self.services;
        let credentials = match (outputs.kind, login, &outputs.admin_user) {
            (Kind::Serverless, _, _) => services.serverless.credentials(name, database).await,
            (Kind::Cluster, Login::Admin, Some(user)) => {
                services.clusters.user_credentials(name, user, database).await
            }
            (Kind::Cluster, _, _) => services.clusters.caller_credentials(name, database).await,
        };
        credentials.during(format!("getting temporary credentials for {name}"))
    }
}
