//! Where the warehouse of a deployment is and as whom to log in, asked of AWS when it is needed.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sparkify_infra::{
    Deployment, Error, Kind, Services,
    outputs::{Login as As, Outputs},
    plan::ResourceKind,
};
use sparkify_warehouse::redshift::{Login, LoginError, LoginProvider, Secret};

use crate::{args::AccessArgs, config::Settings};

/// What it takes to connect to the warehouse of a deployment.
#[derive(Debug)]
pub(in crate::commands) struct Connection {
    pub(in crate::commands) host: String,
    pub(in crate::commands) port: u16,
    pub(in crate::commands) database: String,
    /// It holds for some minutes.
    pub(in crate::commands) login: Login,
    /// The role for COPY.
    pub(in crate::commands) role_arn: Option<String>,
    pub(in crate::commands) region: String,
    deployment: Deployment,
    outputs: Outputs,
}

/// Asks AWS for the deployment of that name, or of the settings' name, and for a login.
pub(in crate::commands) async fn connection(
    settings: &Settings,
    name: Option<&str>,
) -> anyhow::Result<Connection> {
    let mut config = settings.deployment.config(&AccessArgs::default())?;
    if let Some(name) = name {
        name.clone_into(&mut config.name);
    }
    config.validate()?;
    let services = Services::connect(&super::address::connect_options(settings)).await?;
    let deployment = Deployment::new(config, services)?.with_timing(super::timing::timing()?);
    let outputs = deployment.resolve().await?;
    let rests = ["pausing", "paused", "resuming"].contains(&outputs.state.as_str());
    let Some(endpoint) = outputs.endpoint.clone().filter(|_| !rests) else {
        let resource = match outputs.kind {
            Kind::Cluster => ResourceKind::Cluster,
            Kind::Serverless => ResourceKind::Workgroup,
        };
        let remedy =
            "`sparkify-cli resume` ends a pause, `sparkify-cli status` shows what else it may be".to_owned();
        let (name, state) = (outputs.warehouse, outputs.state);
        return Err(Error::WrongState { operation: "connecting", resource, name, state, remedy }.into());
    };
    Ok(Connection {
        host: endpoint.host,
        port: endpoint.port,
        database: outputs.database.clone(),
        login: log_in(&deployment, &outputs).await?,
        role_arn: outputs.role_arn.clone(),
        region: outputs.region.clone(),
        deployment,
        outputs,
    })
}

async fn log_in(deployment: &Deployment, outputs: &Outputs) -> Result<Login, Error> {
    let credentials = deployment.credentials(outputs, As::Admin).await?;
    Ok(Login {
        user: credentials.user,
        password: Secret::new(credentials.password.expose()),
        expires_at: credentials.expires_at,
    })
}

/// Logins of the deployment: the one of the connection, and new ones when that is about to expire. A load may
/// take longer than a login holds.
pub(in crate::commands) fn logins(connection: Connection) -> Arc<dyn LoginProvider> {
    let Connection { login, deployment, outputs, .. } = connection;
    Arc::new(DeploymentLogins { first: Mutex::new(Some(login)), deployment, outputs })
}

#[derive(Debug)]
struct DeploymentLogins {
    first: Mutex<Option<Login>>,
    deployment: Deployment,
    outputs: Outputs,
}

#[async_trait]
impl LoginProvider for DeploymentLogins {
    async fn login(&self) -> Result<Login, LoginError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(login) = first {
            return Ok(login);
        }
        log_in(&self.deployment, &self.outputs).await.map_err(|error| {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            LoginError {
                reason: causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")),
                remedy: error.hint().unwrap_or_else(|| {
                    "`sparkify-cli doctor` goes through what it takes to log in".to_owned()
                }),
            }
        })
    }
}
