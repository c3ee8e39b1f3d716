//! Why it does not work: one line a step.

mod connection;
mod examine;
mod finding;

use std::time::Duration;

use serde::Serialize;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Passed,
    /// Not well, but that need not matter.
    Warned,
    /// Badly.
    Failed,
    /// It was not tried, since it depends on a step that failed or was not finished in time.
    Skipped,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: `settings` (of whoever reads them), `region`, `credentials`, `node_type`, `buckets`, `role`, `warehouse`, `access`, `dns`, `tcp`,
    /// `tls`, `login`.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found, in one line.
    pub detail: String,
    /// What to do, in one line.
    pub remedy: Option<String>,
    /// How long it took.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(duration.as_millis())
}

/// All steps, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The steps.
    pub checks: Vec<Check>,
}

/// The steps, in order.
const STEPS: [&str; 12] = [
    "settings",
    "region",
    "credentials",
    "node_type",
    "buckets",
    "role",
    "warehouse",
    "access",
    "dns",
    "tcp",
    "tls",
    "login",
];

impl Diagnosis {
    /// That of a deployment that could not even be opened: the step before, if there is one, the step that failed,
    /// and all others as not tried.
    #[must_use]
    pub fn ended(before: Option<Check>, failed: Check) -> Self {
        let why = format!("not tried, since the step {} failed", failed.name);
        let done: Vec<_> = before.into_iter().chain([failed]).collect();
        let rest = STEPS.into_iter().filter(|name| !done.iter().any(|check| check.name == *name));
        let rest: Vec<_> = rest
            .map(|name| Check {
                name,
                outcome: Outcome::Skipped,
                detail: why.clone(),
                remedy: None,
                elapsed: Duration::ZERO,
            })
            .collect();
        Self { checks: done.into_iter().chain(rest).collect() }
    }

    /// Whether no step failed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.checks.iter().any(|check| check.outcome == Outcome::Failed)
    }
}
