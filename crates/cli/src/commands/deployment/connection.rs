//! Where the warehouse of a deployment is and as whom to log in, asked of AWS when it is needed.

use sparkify_infra::{Deployment, Error, Kind, Secret, Services, outputs::Login, plan::ResourceKind};

use crate::{args::AccessArgs, config::Settings};

/// What it takes to connect to the warehouse of a deployment.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Connection {
    pub(in crate::commands) host: String,
    pub(in crate::commands) port: u16,
    pub(in crate::commands) database: String,
    /// Exactly as it is: `IAM:…`.
    pub(in crate::commands) user: String,
    /// It holds for some minutes.
    pub(in crate::commands) password: Secret,
    /// The role for COPY.
    pub(in crate::commands) role_arn: Option<String>,
    pub(in crate::commands) region: String,
}

/// Asks AWS for the deployment of that name, or of the settings' name, and for credentials.
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
    let credentials = deployment.credentials(&outputs, Login::Admin).await?;
    Ok(Connection {
        host: endpoint.host,
        port: endpoint.port,
        database: outputs.database,
        user: credentials.user,
        password: credentials.password,
        role_arn: outputs.role_arn,
        region: outputs.region,
    })
}
