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
    /// Its name: `credentials`, `region`, `node_type`, `buckets`, `role`, `warehouse`, `access`, `dns`, `tcp`,
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

impl Diagnosis {
    /// Whether no step failed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.checks.iter().any(|check| check.outcome == Outcome::Failed)
    }
}
