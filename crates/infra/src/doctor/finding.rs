//! What a step found.

use crate::{doctor::Outcome, error::Error, services::ServiceError};

/// What a step found.
pub(super) struct Finding {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn passed(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Passed, detail: detail.into(), remedy: None }
    }

    pub(super) fn warned(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warned, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn failed(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn skipped(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, detail: detail.into(), remedy: None }
    }

    /// A refusal of AWS.
    pub(super) fn refused(error: &ServiceError) -> Self {
        Self { outcome: Outcome::Failed, detail: one_line(&error.to_string()), remedy: error.hint() }
    }

    pub(super) fn error(error: &Error) -> Self {
        match error.service() {
            Some(service) => Self::refused(service),
            None => {
                Self { outcome: Outcome::Failed, detail: one_line(&error.to_string()), remedy: error.hint() }
            }
        }
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
