//! `provision`.

use serde::Serialize;
use sparkify_analytics::output::Format;
use sparkify_infra::{Applied, Deployment, outputs::Probe, plan::Plan};

use super::{ask, open, print_json, print_text, show, until_stopped, watch::Watch};
use crate::{
    args::ProvisionArgs,
    config::Settings,
    exit::{ChangesPending, NotReady},
    stop::Stop,
};

/// What `--plan` prints as JSON.
#[derive(Debug, Serialize)]
struct PlanDocument<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    has_changes: bool,
}

/// What is printed as JSON after it was applied.
#[derive(Debug, Serialize)]
struct Document<'a> {
    plan: PlanDocument<'a>,
    applied: &'a Applied,
}

pub(super) async fn run(settings: &Settings, arguments: &ProvisionArgs) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, &arguments.access).await?;
    let mut stop = Stop::listen()?;
    let plan = until_stopped(&mut stop, &watch, "provision", deployment.plan()).await?;
    let document = PlanDocument { plan: &plan, has_changes: plan.has_changes() };
    if arguments.plan {
        match settings.format.value {
            Format::Json => print_json(&document)?,
            Format::Csv => show::plan_rows(settings.format.value, &plan)?,
            Format::Table => print_text(&show::plan(&plan))?,
        }
        let pending = arguments.detailed_exitcode && plan.has_changes();
        return if pending { Err(ChangesPending.into()) } else { Ok(()) };
    }
    let applied = apply(settings, &deployment, &watch, &mut stop, &plan).await?;
    match settings.format.value {
        Format::Json => print_json(&Document { plan: document, applied: &applied })?,
        Format::Csv => show::output_rows(settings.format.value, &applied.outputs)?,
        Format::Table => print_text(&show::applied(&applied))?,
    }
    match &applied.probe {
        Probe::Failed { step, reason, remedy, fatal: true } => {
            let (step, reason, remedy) = (step.clone(), reason.clone(), remedy.clone());
            Err(NotReady { step, reason, remedy }.into())
        }
        _ => show::warn_of_probe(settings, &applied),
    }
}

/// Shows the plan, asks, and makes it so.
async fn apply(
    settings: &Settings,
    deployment: &Deployment,
    watch: &Watch,
    stop: &mut Stop,
    plan: &Plan,
) -> anyhow::Result<Applied> {
    show::before_asking(settings, &show::plan(plan))?;
    if plan.has_changes() && plan.conflicts().is_empty() {
        ask::confirm(settings, stop, "provision", "Do this?").await?;
    }
    // Without changes too: what an earlier run began may still be on its way. Conflicts are its to refuse.
    until_stopped(stop, watch, "provision", Box::pin(deployment.apply(plan))).await
}
