//! The commands about the resources on AWS: each asks the library and shows what it says.

mod address;
mod ask;
mod connection;
mod doctor;
mod probe;
mod provision;
mod show;
mod state;
mod teardown;
mod timing;
mod watch;

use std::sync::Arc;

pub(super) use connection::{connection, logins};
use serde::Serialize;
use sparkify_infra::{Deployment, DeploymentConfig, Services};

use self::watch::Watch;
use crate::{
    args::{AccessArgs, Command},
    config::Settings,
    exit::DeploymentStopped,
    stop::Stop,
};

/// Runs one of the commands about the resources on AWS.
pub(super) async fn run(settings: &Settings, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Provision(arguments) => provision::run(settings, &arguments).await,
        Command::Status(access) => state::status(settings, &access).await,
        Command::Pause => state::pause(settings).await,
        Command::Resume => state::resume(settings).await,
        Command::Doctor => doctor::run(settings).await,
        Command::Teardown(arguments) => teardown::run(settings, &arguments).await,
        _ => Ok(()),
    }
}

/// The deployment of the settings, and the one who watches what is done with it.
async fn open(settings: &Settings, access: &AccessArgs) -> anyhow::Result<(Deployment, Arc<Watch>)> {
    let config = settings.deployment.config(access)?;
    config.validate()?;
    let deployment = connected(settings, config).await?;
    let watch = Arc::new(Watch::new(settings));
    let observer = Arc::clone(&watch);
    Ok((deployment.with_observer(observer).with_timing(timing::timing()?), watch))
}

async fn connected(settings: &Settings, config: DeploymentConfig) -> anyhow::Result<Deployment> {
    let mut services = Services::connect(&address::connect_options(settings)).await?;
    services.prober = Some(Arc::new(probe::DatabaseProber));
    Ok(Deployment::new(config, services)?)
}

/// Does the work until it is done or the user has enough of it.
async fn until_stopped<T>(
    stop: &mut Stop,
    watch: &Watch,
    command: &'static str,
    work: impl Future<Output = sparkify_infra::Result<T>>,
) -> anyhow::Result<T> {
    let result = stop.unless_requested(work).await;
    watch.end();
    match result {
        Some(result) => Ok(result?),
        None => Err(DeploymentStopped { command, standing: watch.standing() }.into()),
    }
}

/// Prints one JSON document.
fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    print_text(&(text + "\n"))
}

fn print_text(text: &str) -> anyhow::Result<()> {
    std::io::Write::write_all(&mut crate::output::stdout(), text.as_bytes())?;
    Ok(())
}
