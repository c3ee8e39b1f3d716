//! `doctor`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use sparkify_analytics::output::Format;
use sparkify_infra::{
    DeploymentConfig, Timing,
    doctor::{Check, Diagnosis, Outcome},
};

use super::{connected, print_json, print_text, show, timing, until_stopped, watch::Watch};
use crate::{
    args::AccessArgs,
    config::Settings,
    exit::{DoctorFailed, hint_of},
    stop::Stop,
};

/// How much of the whole deadline it may take to know the region and make the clients.
const SHARE_OF_CONNECTING: f64 = 0.3;

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Document<'a> {
    healthy: bool,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let timing = timing::timing()?;
    let watch = Arc::new(Watch::new(settings));
    let work = Box::pin(async { Ok(examine(settings, &watch, timing).await) });
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

/// All steps, beginning with those without which there is no deployment to examine.
async fn examine(settings: &Settings, watch: &Arc<Watch>, timing: Timing) -> Diagnosis {
    let started = Instant::now();
    let config = match wanted(settings) {
        Ok(config) => config,
        Err(error) => return ended("settings", None, &error, started.elapsed()),
    };
    let settled = Check {
        name: "settings",
        outcome: Outcome::Passed,
        detail: format!("deployment {} ({})", config.name, config.kind),
        remedy: None,
        elapsed: started.elapsed(),
    };
    let limit = timing.doctor_deadline.mul_f64(SHARE_OF_CONNECTING);
    let began = Instant::now();
    let deployment = match tokio::time::timeout(limit, Box::pin(connected(settings, config))).await {
        Ok(Ok(deployment)) => deployment,
        Ok(Err(error)) => return ended("region", Some(settled), &error, began.elapsed()),
        Err(_) => {
            let error = crate::exit::UsageError::with_hint(
                format!("it was not known within {}", humantime::format_duration(limit)),
                "it is not configured, and the machine's metadata service does not answer: set it with --region, `region` \
                 in [deployment], or AWS_REGION; AWS_EC2_METADATA_DISABLED=true says that there is no such service",
            );
            return ended("region", Some(settled), &error.into(), began.elapsed());
        }
    };
    let left = timing.doctor_deadline.saturating_sub(started.elapsed());
    let observer = Arc::clone(watch);
    let timing = Timing { doctor_deadline: left, ..timing };
    let deployment = deployment.with_observer(observer).with_timing(timing);
    let mut diagnosis = Box::pin(deployment.doctor()).await;
    diagnosis.checks.insert(0, settled);
    diagnosis
}

fn wanted(settings: &Settings) -> anyhow::Result<DeploymentConfig> {
    let config = settings.deployment.config(&AccessArgs::default())?;
    config.validate()?;
    Ok(config)
}

/// The diagnosis when a step fails without which nothing else can be tried.
fn ended(name: &'static str, before: Option<Check>, error: &anyhow::Error, elapsed: Duration) -> Diagnosis {
    let detail = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let remedy = hint_of(error).unwrap_or_else(|| "docs/aws.md has the settings and their values".to_owned());
    let failed = Check { name, outcome: Outcome::Failed, detail, remedy: Some(remedy), elapsed };
    Diagnosis::ended(before, failed)
}
