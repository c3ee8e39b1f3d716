//! `status`, `pause` and `resume`.

use sparkify_analytics::output::Format;
use sparkify_infra::outputs::Outputs;

use super::{open, print_json, print_text, show, until_stopped};
use crate::{args::AccessArgs, config::Settings, stop::Stop};

pub(super) async fn status(settings: &Settings, access: &AccessArgs) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, access).await?;
    let status = until_stopped(&mut Stop::listen()?, &watch, "status", deployment.status()).await?;
    match settings.format.value {
        Format::Json => print_json(&status),
        Format::Csv => show::status_rows(settings.format.value, &status),
        Format::Table => print_text(&show::status(&deployment.config().name, &status)),
    }
}

pub(super) async fn pause(settings: &Settings) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, &AccessArgs::default()).await?;
    let outputs = until_stopped(&mut Stop::listen()?, &watch, "pause", deployment.pause()).await?;
    print_outputs(settings, &outputs)
}

pub(super) async fn resume(settings: &Settings) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, &AccessArgs::default()).await?;
    let outputs = until_stopped(&mut Stop::listen()?, &watch, "resume", deployment.resume()).await?;
    print_outputs(settings, &outputs)
}

fn print_outputs(settings: &Settings, outputs: &Outputs) -> anyhow::Result<()> {
    match settings.format.value {
        Format::Json => print_json(outputs),
        Format::Csv => show::output_rows(settings.format.value, outputs),
        Format::Table => print_text(&show::outputs(outputs)),
    }
}
