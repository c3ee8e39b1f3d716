//! What the commands about AWS print for people, and as rows.

mod rows;

use std::{fmt::Write, io::Write as _, time::Duration};

pub(super) use rows::*;
use sparkify_analytics::output::Format;
use sparkify_infra::{
    Applied, Kind,
    cost::CostEstimate,
    doctor::{Diagnosis, Outcome},
    outputs::{Outputs, Probe},
    plan::{Action, Difference, Plan, Step, Surplus},
    status::Status,
    teardown::{Remnant, Removal, RemovalStep, SnapshotDecision, TeardownPlan, TeardownReport},
};

use super::watch::short;
use crate::{
    config::{LogFormat, Settings},
    logging,
};

/// What shows for something that is not there.
const NONE: &str = "(none)";

/// A plan, its cost, and what is to be known.
pub(super) fn plan(plan: &Plan) -> String {
    let Plan { deployment, region, account, kind, .. } = plan;
    let mut text = format!("deployment {deployment} ({kind}) in {region}, account {account}\n\n");
    for step in &plan.steps {
        text.push_str(&step_text(step));
    }
    text.push_str(&cost(&plan.cost));
    text.push_str(&surplus(&plan.surplus));
    for note in &plan.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let count = |action: Action| plan.steps.iter().filter(|step| step.action == action).count();
    let counts = [
        (count(Action::Create), "to create"),
        (count(Action::Change), "to change"),
        (count(Action::Conflict), "in the way"),
        (count(Action::Keep), "as it is"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let _ = writeln!(text, "\n{}", counts.join(", "));
    if !plan.has_changes() {
        text.push_str("there is nothing to do\n");
    }
    text
}

/// What is there and not asked for.
fn surplus(surplus: &[Surplus]) -> String {
    if surplus.is_empty() {
        return String::new();
    }
    let mut text = "\nof this deployment, and not asked for by the configuration:\n".to_owned();
    for Surplus { resource, name, state, usd_per_hour, note } in surplus {
        let state = state.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
        let price = usd_per_hour.map(|price| format!("{}, ", per_hour(price))).unwrap_or_default();
        let _ = writeln!(text, "  {resource:<15}  {name}{state}: {price}{note}");
    }
    text
}

fn step_text(step: &Step) -> String {
    let mut text = format!("  {:<8}  {:<15}  {}\n", step.action, step.resource, step.name);
    let width = step.differences.iter().map(|difference| difference.attribute.len()).max().unwrap_or(0);
    for difference in &step.differences {
        let _ = writeln!(
            text,
            "            {:<width$}  {}",
            difference.attribute,
            difference_text(step.action, difference)
        );
    }
    if let Some(note) = &step.note {
        let _ = writeln!(text, "            {note}");
    }
    text
}

fn difference_text(action: Action, difference: &Difference) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
    let (current, desired) = (value(&difference.current), value(&difference.desired));
    match (&difference.not_changed_because, action) {
        (Some(reason), _) => format!("stays {current}, configured is {desired}: {reason}"),
        (None, Action::Create) => desired,
        (None, _) => format!("{current} -> {desired}"),
    }
}

fn cost(cost: &CostEstimate) -> String {
    let mut text = "\ncost, as an estimate\n".to_owned();
    for item in &cost.items {
        let price = item.usd_per_hour.map_or_else(|| "price not known".to_owned(), per_hour);
        let source = item.source.as_ref().map(|source| format!("; {source}")).unwrap_or_default();
        let _ = writeln!(text, "  {}: {price}, {}{source}", item.what, item.when);
    }
    let total: Vec<_> =
        [cost.usd_per_hour.map(per_hour), cost.usd_per_month.map(|price| format!("${price:.2} a month"))]
            .into_iter()
            .flatten()
            .collect();
    if !total.is_empty() {
        let _ = writeln!(text, "  in all: {}", total.join(", "));
    }
    let _ = writeln!(text, "  {}", cost.note);
    text
}

fn per_hour(price: f64) -> String {
    format!("${price:.3} an hour")
}

/// A plan before the question whether to carry it out: on standard output if that is for people, else on
/// standard error.
pub(super) fn before_asking(settings: &Settings, text: &str) -> anyhow::Result<()> {
    if settings.format.value == Format::Table {
        return super::print_text(&format!("{text}\n"));
    }
    if !settings.quiet && settings.log_format.value == LogFormat::Text {
        std::io::stderr().write_all(text.as_bytes())?;
    }
    Ok(())
}

/// What is there now.
pub(super) fn applied(applied: &Applied) -> String {
    let changed = match applied.changed {
        0 => "nothing was changed".to_owned(),
        1 => "1 resource was made or changed".to_owned(),
        count => format!("{count} resources were made or changed"),
    };
    let probe = match &applied.probe {
        Probe::Passed => "TLS verified, SELECT 1 answered".to_owned(),
        Probe::Skipped { reason } => format!("not tried: {reason}"),
        Probe::Failed { step, reason, .. } => format!("failed at {step}: {reason}"),
    };
    let mut pairs = output_pairs(&applied.outputs);
    pairs.push(("connection", probe));
    format!("{changed} in {}\n\n{}", short(applied.elapsed), lines(&pairs))
}

/// Warns if the warehouse is there and has no public address, so that it cannot be used from here.
pub(super) fn warn_of_probe(settings: &Settings, applied: &Applied) -> anyhow::Result<()> {
    if let Probe::Failed { step, reason, remedy, .. } = &applied.probe {
        let message = format!(
            "warning: the warehouse is ready for AWS, but cannot be used from here ({step}: {reason})\n\
             hint: {remedy}; `sparkify-cli doctor` goes through all of it"
        );
        logging::notice(settings, &message)?;
    }
    Ok(())
}

/// Names and values, one a line.
fn lines(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    pairs.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

/// What a deployment gives.
pub(super) fn outputs(outputs: &Outputs) -> String {
    lines(&output_pairs(outputs))
}

fn output_pairs(outputs: &Outputs) -> Vec<(&'static str, String)> {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
    let endpoint = outputs.endpoint.as_ref().map(ToString::to_string);
    vec![
        ("warehouse", format!("redshift://{}", outputs.deployment)),
        ("state", outputs.state.clone()),
        ("endpoint", value(&endpoint)),
        ("database", outputs.database.clone()),
        ("role", value(&outputs.role_arn)),
    ]
}

/// How a deployment is.
pub(super) fn status(name: &str, status: &Status) -> String {
    let mut pairs =
        vec![("deployment", name.to_owned()), ("state", format!("{}: {}", status.state, status.detail))];
    if let Some(outputs) = &status.outputs {
        pairs.extend(output_pairs(outputs).into_iter().filter(|(name, _)| *name != "state"));
        pairs.push(("region", outputs.region.clone()));
    }
    if let Some(size) = &status.size {
        pairs.push(("size", size.clone()));
    }
    if let (Some(created), Some(age)) = (&status.created_at, status.age_seconds) {
        pairs.push(("created", format!("{created}, {} ago", short(Duration::from_secs(age)))));
    }
    if let Some(outputs) = &status.outputs {
        if let Some(price) = status.cost.usd_per_hour {
            pairs.push(("costs", format!("{} (estimate)", per_hour(price))));
        }
        if let Some(accrued) = status.accrued_usd_at_most {
            let bound = match outputs.kind {
                Kind::Cluster => "as if it had never been paused",
                Kind::Serverless => "what its usage limit allows",
            };
            pairs.push(("cost so far", format!("${accrued:.2} at most, {bound} (estimate, compute only)")));
        }
    }
    let mut text = lines(&pairs);
    if let Some(remedy) = &status.remedy {
        let _ = writeln!(text, "\nwhat to do: {remedy}");
    }
    if !status.drift.is_empty() {
        text.push_str("\nnot as configured:\n");
        for step in &status.drift {
            text.push_str(&step_text(step));
        }
    }
    text.push_str(&surplus(&status.surplus));
    for note in &status.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// One line a step, and one for its remedy.
pub(super) fn diagnosis(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for check in &diagnosis.checks {
        let milliseconds = check.elapsed.as_millis();
        let time = if milliseconds > 0 { format!(" ({milliseconds} ms)") } else { String::new() };
        let _ = writeln!(text, "{:<7}  {:<11}  {}{time}", outcome(check.outcome), check.name, check.detail);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "         remedy:      {remedy}");
        }
    }
    text
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Warned => "warning",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
    }
}

/// What teardown would do.
pub(super) fn teardown_plan(plan: &TeardownPlan) -> String {
    let TeardownPlan { deployment, region, account, .. } = plan;
    let mut text = format!("deployment {deployment} in {region}, account {account}\n\n");
    for RemovalStep { resource, name, removal, state } in &plan.steps {
        let state = state.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
        let meaning = match removal {
            Removal::Foreign => ": not of this deployment, stays",
            _ => "",
        };
        let _ = writeln!(text, "  {removal:<7}  {resource:<15}  {name}{state}{meaning}");
    }
    if !plan.has_changes() {
        text.push_str("  there is nothing to delete\n");
    }
    let snapshot = match &plan.snapshot {
        SnapshotDecision::Undecided => {
            Some("not decided yet (--final-snapshot or --skip-final-snapshot)".to_owned())
        }
        SnapshotDecision::Skip => Some("none: the data is gone".to_owned()),
        SnapshotDecision::Take(snapshot) => {
            let kept = match snapshot.retention_days {
                days if days < 0 => "until it is deleted".to_owned(),
                days => format!("for {days} days"),
            };
            Some(format!("{}, kept {kept}", snapshot.name))
        }
        SnapshotDecision::NotNeeded => None,
    };
    if let Some(snapshot) = snapshot {
        let _ = writeln!(text, "\nfinal snapshot: {snapshot}");
    }
    text.push_str(&remnants("stays and goes on costing", &plan.costing));
    for note in &plan.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// What is asked before it is done.
pub(super) fn teardown_question(plan: &TeardownPlan) -> String {
    let count = plan.steps.iter().filter(|step| step.removal != Removal::Foreign).count();
    let resources = if count == 1 { "this resource".to_owned() } else { format!("these {count} resources") };
    let data = match &plan.snapshot {
        SnapshotDecision::Take(_) => " after a final snapshot",
        SnapshotDecision::Skip => ", with all data",
        _ => "",
    };
    format!("Delete {resources}{data}?")
}

/// What was deleted, and what is left.
pub(super) fn teardown_report(report: &TeardownReport) -> String {
    let mut text = String::new();
    for step in &report.deleted {
        let _ = writeln!(text, "  deleted  {:<15}  {}", step.resource, step.name);
    }
    text.push_str(&remnants("stays and goes on costing", &report.costing));
    text.push_str(&remnants("LEFT", &report.left));
    if !report.unproven.is_empty() {
        text.push_str("\nnot proved to be gone:\n");
        for what in &report.unproven {
            let _ = writeln!(text, "  {what}");
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if report.is_clean() {
        text.push_str("nothing is left: looked for by tag and by name\n");
    }
    text
}

fn remnants(title: &str, remnants: &[Remnant]) -> String {
    if remnants.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}:\n");
    for Remnant { resource, name, note } in remnants {
        let _ = writeln!(text, "  {resource:<15}  {name}: {note}");
    }
    text
}

/// What is left, by name.
pub(super) fn leftovers(report: &TeardownReport) -> Vec<String> {
    let named = |remnant: &Remnant| format!("{} {}", remnant.resource, remnant.name);
    report.left.iter().map(named).chain(report.unproven.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
