//! The same as rows, for CSV.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use sparkify_analytics::output::Format;
use sparkify_infra::{
    doctor::Diagnosis,
    outputs::Outputs,
    plan::{Difference, Plan, Step},
    status::Status,
    teardown::{Remnant, TeardownPlan, TeardownReport},
};

use crate::commands::{integers, print_columns, texts};

fn maybe<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(cells.collect::<StringArray>())
}

/// One row a resource, or one an attribute that differs. What is not asked for has the action `surplus`.
pub(in super::super) fn plan_rows(format: Format, plan: &Plan) -> anyhow::Result<()> {
    let surplus = &plan.surplus;
    let rows: Vec<(&Step, Option<&Difference>)> = plan
        .steps
        .iter()
        .flat_map(|step| {
            let differences = step.differences.iter().map(move |difference| (step, Some(difference)));
            let none = step.differences.is_empty().then_some((step, None));
            differences.chain(none)
        })
        .collect();
    let none = || surplus.iter().map(|_| None);
    print_columns(
        format,
        vec![
            (
                "action",
                texts(
                    rows.iter()
                        .map(|(step, _)| step.action.to_string())
                        .chain(surplus.iter().map(|_| "surplus".to_owned())),
                ),
            ),
            (
                "resource",
                texts(
                    rows.iter()
                        .map(|(step, _)| step.resource.to_string())
                        .chain(surplus.iter().map(|found| found.resource.to_string())),
                ),
            ),
            (
                "name",
                texts(rows.iter().map(|(step, _)| &step.name).chain(surplus.iter().map(|found| &found.name))),
            ),
            (
                "attribute",
                maybe(rows.iter().map(|(_, found)| Some(found.as_ref()?.attribute.as_str())).chain(none())),
            ),
            (
                "current",
                maybe(rows.iter().map(|(_, found)| found.as_ref()?.current.as_deref()).chain(none())),
            ),
            (
                "desired",
                maybe(rows.iter().map(|(_, found)| found.as_ref()?.desired.as_deref()).chain(none())),
            ),
            (
                "not_changed_because",
                maybe(
                    rows.iter()
                        .map(|(_, found)| found.as_ref()?.not_changed_because.as_deref())
                        .chain(surplus.iter().map(|found| Some(found.note.as_str()))),
                ),
            ),
        ],
    )
}

fn pair_rows(format: Format, pairs: &[(&str, String)]) -> anyhow::Result<()> {
    print_columns(
        format,
        vec![
            ("name", texts(pairs.iter().map(|(name, _)| name))),
            ("value", texts(pairs.iter().map(|(_, value)| value))),
        ],
    )
}

/// One row an output.
pub(in super::super) fn output_rows(format: Format, outputs: &Outputs) -> anyhow::Result<()> {
    pair_rows(format, &super::output_pairs(outputs))
}

/// One row, with what scripts ask for most.
pub(in super::super) fn status_rows(format: Format, status: &Status) -> anyhow::Result<()> {
    let mut pairs = vec![("state", status.state.to_string()), ("detail", status.detail.clone())];
    if let Some(outputs) = &status.outputs {
        pairs.extend(super::output_pairs(outputs).into_iter().filter(|(name, _)| *name != "state"));
    }
    pairs.push(("drifted_resources", status.drift.len().to_string()));
    pairs.push(("surplus_resources", status.surplus.len().to_string()));
    pair_rows(format, &pairs)
}

/// One row a step.
pub(in super::super) fn check_rows(format: Format, diagnosis: &Diagnosis) -> anyhow::Result<()> {
    let checks = &diagnosis.checks;
    let milliseconds = |elapsed: std::time::Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    print_columns(
        format,
        vec![
            ("check", texts(checks.iter().map(|check| check.name))),
            ("outcome", texts(checks.iter().map(|check| super::outcome(check.outcome)))),
            ("detail", texts(checks.iter().map(|check| &check.detail))),
            ("remedy", maybe(checks.iter().map(|check| check.remedy.as_deref()))),
            ("elapsed_ms", integers(checks.iter().map(|check| milliseconds(check.elapsed)))),
        ],
    )
}

/// One row a resource.
pub(in super::super) fn removal_rows(format: Format, plan: &TeardownPlan) -> anyhow::Result<()> {
    let steps = &plan.steps;
    print_columns(
        format,
        vec![
            ("removal", texts(steps.iter().map(|step| step.removal.to_string()))),
            ("resource", texts(steps.iter().map(|step| step.resource.to_string()))),
            ("name", texts(steps.iter().map(|step| &step.name))),
            ("state", maybe(steps.iter().map(|step| step.state.as_deref()))),
        ],
    )
}

/// One row a resource that is gone, stays or is left.
pub(in super::super) fn remnant_rows(format: Format, report: &TeardownReport) -> anyhow::Result<()> {
    let remnant = |outcome: &'static str| {
        move |remnant: &Remnant| {
            (outcome, remnant.resource.to_string(), remnant.name.clone(), Some(remnant.note.clone()))
        }
    };
    let rows: Vec<(&str, String, String, Option<String>)> = report
        .deleted
        .iter()
        .map(|step| ("deleted", step.resource.to_string(), step.name.clone(), None))
        .chain(report.left.iter().map(remnant("left")))
        .chain(report.costing.iter().map(remnant("costing")))
        .collect();
    print_columns(
        format,
        vec![
            ("outcome", texts(rows.iter().map(|row| row.0))),
            ("resource", texts(rows.iter().map(|row| &row.1))),
            ("name", texts(rows.iter().map(|row| &row.2))),
            ("note", maybe(rows.iter().map(|row| row.3.as_deref()))),
        ],
    )
}
