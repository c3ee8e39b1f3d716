//! A Redshift database: the login, and the place in S3 for the files of a load.

mod stage;

use std::sync::Arc;

use sparkify_storage::S3Url;
use sparkify_warehouse::{
    Access, Warehouse,
    redshift::{IamRole, RedshiftOptions, RedshiftTarget, RedshiftWarehouse},
};

use crate::{config::Settings, exit::UsageError};

/// A database as the settings name it, and what a deployment says about it.
struct Found {
    options: RedshiftOptions,
    /// The role that the deployment has for COPY.
    role: Option<String>,
    /// The region of the deployment.
    region: Option<String>,
}

/// Opens the database.
pub(super) async fn open(
    settings: &Settings,
    target: &RedshiftTarget,
    access: Access,
) -> anyhow::Result<Arc<dyn Warehouse>> {
    let found = find(settings, target).await?;
    let options = RedshiftOptions { access, wait: settings.wait.value, ..found.options };
    Ok(Arc::new(RedshiftWarehouse::open(&options).await?))
}

/// Opens the database for a load, which needs a place in S3 and a role.
pub(super) async fn open_to_load(
    settings: &Settings,
    target: &RedshiftTarget,
) -> anyhow::Result<Arc<dyn Warehouse>> {
    let Some(stage) = &settings.stage else {
        return Err(UsageError::with_hint(
            "a load into Redshift needs a place in S3 for the files that COPY reads",
            "name one with --stage s3://BUCKET/PREFIX; the files are deleted when the load ends",
        )
        .into());
    };
    let is_server = matches!(target, RedshiftTarget::Server(_));
    if is_server && settings.iam_role.is_none() {
        return Err(no_role().into());
    }
    let found = find(settings, target).await?;
    let role =
        settings.iam_role.as_ref().map(|role| role.value.clone()).or(found.role).ok_or_else(no_role)?;
    let url = S3Url::parse(&stage.value)?;
    let staging = stage::open(settings, &url, role.parse::<IamRole>()?, found.region).await?;
    let options = RedshiftOptions {
        staging: Some(staging),
        wait: settings.wait.value,
        pack_bytes: settings.pack_size.value,
        ..found.options
    };
    Ok(Arc::new(RedshiftWarehouse::open(&options).await?))
}

fn no_role() -> UsageError {
    UsageError::with_hint(
        "a load into Redshift needs a role that the cluster reads S3 with",
        "name it with --iam-role ARN, or --iam-role default for the cluster's default role",
    )
}

async fn find(settings: &Settings, target: &RedshiftTarget) -> anyhow::Result<Found> {
    match target {
        RedshiftTarget::Server(options) => {
            Ok(Found { options: options.as_ref().clone(), role: None, region: None })
        }
        RedshiftTarget::Deployment(name) => deployment(settings, name).await,
    }
}

/// Asks AWS where a deployment is, and for logins that hold for some minutes each.
#[cfg(feature = "aws")]
async fn deployment(settings: &Settings, name: &str) -> anyhow::Result<Found> {
    let found = super::deployment::connection(settings, Some(name)).await?;
    let environment = |name: &str| std::env::var(name).ok();
    let (user, password) = (&found.login.user, found.login.password.clone());
    let options = RedshiftOptions::for_endpoint(
        &found.host,
        found.port,
        &found.database,
        user,
        password,
        &environment,
    )?;
    let (role, region) = (found.role_arn.clone(), found.region.clone());
    let logins = super::deployment::logins(found);
    Ok(Found { options: RedshiftOptions { logins: Some(logins), ..options }, role, region: Some(region) })
}

#[cfg(not(feature = "aws"))]
async fn deployment(_: &Settings, name: &str) -> anyhow::Result<Found> {
    Err(UsageError::with_hint(
        format!(
            "where the deployment {name} is must be asked of AWS, and this program was built without AWS"
        ),
        "build it with --features full, or name the endpoint: --warehouse redshift://USER@HOST:5439/DATABASE",
    )
    .into())
}
