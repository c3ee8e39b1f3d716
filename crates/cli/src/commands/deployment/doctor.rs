//! `doctor`.

use serde::Serialize;
use sparkify_analytics::output::Format;
use sparkify_infra::doctor::{Check, Diagnosis, Outcome};

use super::{open, print_json, print_text, show, until_stopped};
use crate::{args::AccessArgs, config::Settings, exit::DoctorFailed, stop::Stop};

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Document<'a> {
    healthy: bool,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, &AccessArgs::default()).await?;
    let work = Box::pin(async { Ok(deployment.doctor().await) });
    let diagnosis = until_stopped(&mut Stop::listen()?, &watch, "doctor", work).await?;
    match settings.format.value {
        Format::Json => print_json(&Document { healthy: diagnosis.is_healthy(), diagnosis: &diagnosis })?,
        Format::Csv => show::check_rows(settings.format.value, &diagnosis)?,
        Format::Table => print_text(&show::diagnosis(&diagnosis))?,
    }
    if diagnosis.is_healthy() {
        return Ok(());
    }
    let failed = |check: &&Check| check.outcome == Outcome::Failed;
    Err(DoctorFailed(diagnosis.checks.iter().filter(failed).map(|check| check.name).collect()).into())
}
