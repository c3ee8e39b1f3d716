//! `teardown`.

use serde::Serialize;
use sparkify_analytics::output::Format;
use sparkify_infra::{
    Deployment,
    teardown::{SnapshotDecision, TeardownPlan, TeardownReport},
};

use super::{ask, open, print_json, print_text, show, until_stopped, watch::Watch};
use crate::{
    args::{AccessArgs, TeardownArgs},
    config::Settings,
    exit::Leftovers,
    stop::Stop,
};

const COMMAND: &str = "teardown";

/// What `--plan` prints as JSON.
#[derive(Debug, Serialize)]
struct PlanDocument<'a> {
    #[serde(flatten)]
    plan: &'a TeardownPlan,
    has_changes: bool,
}

/// What is printed as JSON afterwards.
#[derive(Debug, Serialize)]
struct Document<'a> {
    plan: PlanDocument<'a>,
    report: &'a TeardownReport,
    clean: bool,
}

pub(super) async fn run(settings: &Settings, arguments: &TeardownArgs) -> anyhow::Result<()> {
    let (deployment, watch) = open(settings, &AccessArgs::default()).await?;
    let mut stop = Stop::listen()?;
    let decision = match (arguments.final_snapshot, arguments.skip_final_snapshot) {
        (true, _) => Some(deployment.final_snapshot()),
        (_, true) => Some(SnapshotDecision::Skip),
        _ => None,
    };
    let plan = until_stopped(&mut stop, &watch, COMMAND, deployment.teardown_plan(decision)).await?;
    if arguments.plan {
        return match settings.format.value {
            Format::Json => print_json(&PlanDocument { plan: &plan, has_changes: plan.has_changes() }),
            Format::Csv => show::removal_rows(settings.format.value, &plan),
            Format::Table => print_text(&show::teardown_plan(&plan)),
        };
    }
    show::before_asking(settings, &show::teardown_plan(&plan))?;
    let plan = decide(settings, &deployment, &watch, &mut stop, plan).await?;
    if plan.has_changes() {
        ask::confirm(settings, &mut stop, COMMAND, &show::teardown_question(&plan)).await?;
    }
    // With nothing to delete it still proves that nothing is there.
    let report = until_stopped(&mut stop, &watch, COMMAND, Box::pin(deployment.teardown(&plan))).await?;
    match settings.format.value {
        Format::Json => {
            let plan = PlanDocument { plan: &plan, has_changes: plan.has_changes() };
            print_json(&Document { plan, report: &report, clean: report.is_clean() })?;
        }
        Format::Csv => show::remnant_rows(settings.format.value, &report)?,
        Format::Table => print_text(&show::teardown_report(&report))?,
    }
    if report.is_clean() { Ok(()) } else { Err(Leftovers(show::leftovers(&report)).into()) }
}

/// Has the user decide about the final snapshot, if neither flag nor configuration did.
async fn decide(
    settings: &Settings,
    deployment: &Deployment,
    watch: &Watch,
    stop: &mut Stop,
    plan: TeardownPlan,
) -> anyhow::Result<TeardownPlan> {
    if plan.snapshot != SnapshotDecision::Undecided {
        return Ok(plan);
    }
    if settings.yes || !ask::is_attended() {
        let name = deployment.config().name.clone();
        return Err(sparkify_infra::Error::SnapshotUndecided { name }.into());
    }
    let question = "Take a final snapshot first? It costs until it is deleted; without it the data is gone.";
    let take = ask::yes_or_no(stop, COMMAND, question).await?;
    let decision = if take { deployment.final_snapshot() } else { SnapshotDecision::Skip };
    until_stopped(stop, watch, COMMAND, deployment.teardown_plan(Some(decision))).await
}
