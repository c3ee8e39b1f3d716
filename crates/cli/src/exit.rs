//! Errors to people and exit codes.

#[cfg(feature = "aws")]
mod deployment;

use std::{io::Write, process::ExitCode, time::SystemTime};

#[cfg(feature = "aws")]
pub(crate) use deployment::{ChangesPending, DeploymentStopped, DoctorFailed, Leftovers, NotReady};

use sparkify_etl::record::{Refusal, Reject};

use crate::{config::Forms, output, panics::Panicked};

/// How a command ends, apart from success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Failure = 1,
    Usage = 2,
    Data = 3,
    #[cfg(feature = "aws")]
    Left = 4,
    Interrupted = 130,
}

/// The exit code of a failure.
pub(crate) const FAILURE: i32 = Exit::Failure as i32;

/// Wrong usage that the argument parser cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct UsageError {
    message: String,
    hint: Option<String>,
}

impl UsageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// The names of the quality checks that do not hold. The results have been printed.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} quality check{} failed: {}",
    .0.len(),
    if .0.len() == 1 { "" } else { "s" },
    .0.join(", ")
)]
pub(crate) struct ChecksFailed(pub(crate) Vec<String>);

/// What is said when the user stopped something.
const STOPPED: &str = "stopped on request";

/// The user stopped a load before it published anything.
#[derive(Debug, thiserror::Error)]
#[error("{STOPPED}; nothing was loaded")]
pub(crate) struct Stopped;

/// A load took place, and what came after it failed: the questions, or the output.
#[derive(Debug, thiserror::Error)]
#[error("the load was committed (run {run_id}), but not all of its report could be given")]
pub(crate) struct Committed {
    pub(crate) run_id: String,
}

/// Bad records that are shown.
const SHOWN: usize = 10;

/// Prints the error and returns its exit code. If results are JSON, an object goes to standard output as
/// well, so that there is always one document.
pub(crate) fn report(error: &anyhow::Error, forms: Forms) -> ExitCode {
    if output::is_unread(error) {
        // `sparkify-cli explore | head` has seen enough.
        return ExitCode::SUCCESS;
    }
    let exit = exit_of(error);
    #[cfg(feature = "aws")]
    if deployment::is_silent(error) {
        return ExitCode::from(exit as u8);
    }
    let text = if forms.json_logs { log_record(error, exit) } else { printable(&describe(error, exit)) };
    // Nothing can be done if standard error is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
    if forms.json_results && !is_printed(error) {
        let object = serde_json::json!({ "error": to_json(error, exit) });
        let _ = writeln!(output::stdout(), "{object}");
    }
    ExitCode::from(exit as u8)
}

/// Whether all that it says has been printed as the result.
fn is_printed(error: &anyhow::Error) -> bool {
    #[cfg(feature = "aws")]
    if deployment::is_printed(error) {
        return true;
    }
    error.is::<ChecksFailed>()
}

/// The error as a line of the log.
fn log_record(error: &anyhow::Error, exit: Exit) -> String {
    let record = serde_json::json!({
        "timestamp": humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
        "level": "ERROR",
        "fields": to_json(error, exit),
    });
    format!("{record}\n")
}

fn exit_of(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<sparkify_etl::Error>() {
            return match error {
                sparkify_etl::Error::Cancelled => Exit::Interrupted,
                error if error.is_data_error() => Exit::Data,
                _ => Exit::Failure,
            };
        }
        if matches!(cause.downcast_ref(), Some(sparkify_warehouse::Error::Interrupted)) {
            return Exit::Interrupted;
        }
        match cause.downcast_ref::<sparkify_eventsim::Error>() {
            Some(sparkify_eventsim::Error::Cancelled) => return Exit::Interrupted,
            Some(
                sparkify_eventsim::Error::Setting { .. }
                | sparkify_eventsim::Error::Exists { .. }
                | sparkify_eventsim::Error::Foreign { .. }
                | sparkify_eventsim::Error::Unnamed { .. },
            ) => return Exit::Usage,
            _ => {}
        }
        if cause.is::<Stopped>() {
            return Exit::Interrupted;
        }
        if cause.is::<UsageError>() {
            return Exit::Usage;
        }
        #[cfg(feature = "aws")]
        if let Some(exit) = deployment::exit_of(cause) {
            return exit;
        }
        if cause.is::<ChecksFailed>() {
            return Exit::Data;
        }
        if matches!(
            cause.downcast_ref(),
            Some(
                sparkify_analytics::Error::UnknownQuery { .. } | sparkify_analytics::Error::NotAQuery { .. }
            )
        ) {
            return Exit::Usage;
        }
        if matches!(
            cause.downcast_ref(),
            Some(sparkify_schema::Error::UnknownStatement { .. } | sparkify_schema::Error::UnknownDialect(_))
        ) {
            return Exit::Usage;
        }
    }
    Exit::Failure
}

/// The text with escapes instead of characters that a terminal would obey: names of files and the like may have some.
fn printable(text: &str) -> String {
    let is_obeyed = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

fn describe(error: &anyhow::Error, exit: Exit) -> String {
    if exit == Exit::Interrupted {
        // What failed then failed because of it.
        #[cfg(feature = "aws")]
        if error.is::<DeploymentStopped>() {
            return format!("{error}\n");
        }
        if let Some(Committed { run_id }) = error.downcast_ref() {
            return format!("{STOPPED}; the load was committed before (run {run_id})\n");
        }
        return format!("{}\n", if error.is::<Stopped>() { error.to_string() } else { STOPPED.to_owned() });
    }
    let mut text = format!("error: {error}\n");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // A transparent wrapper says the same as what it wraps.
        if cause != last {
            text.push_str(&format!("  because: {}\n", cause.replace('\n', "\n           ")));
        }
        last = cause;
    }
    for cause in error.chain() {
        if let Some(sparkify_etl::Error::BadRecords { rejects, .. }) = cause.downcast_ref() {
            text.push_str(&cards(rejects));
        }
        if let Some(sparkify_etl::Error::Quality { failed }) = cause.downcast_ref() {
            for check in failed {
                text.push_str(&format!(
                    "  {}: {} violations of \"{}\"\n",
                    check.name, check.violations, check.rule
                ));
            }
        }
    }
    if let Some(hint) = hint_of(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

/// A card for each bad record: where, what, and what to do.
pub(crate) fn cards(rejects: &[Reject]) -> String {
    let mut text = String::new();
    for reject in rejects.iter().take(SHOWN) {
        text.push_str(&format!("\n  {}, line {}, column {}\n", reject.path, reject.line, reject.column));
        if let Some(field) = &reject.field {
            text.push_str(&format!("    field:  {field}\n"));
        }
        if let Some(declared) = reject.engine.as_ref().and_then(Refusal::declared_type) {
            text.push_str(&format!("    type:   {declared}\n"));
        }
        text.push_str(&format!("    reason: {}\n", reject.reason));
        if let Some(engine) = &reject.engine {
            text.push_str(&format!("    error:  {} of the database: {}\n", engine.code, engine.message));
        }
        text.push_str(&format!("    value:  {}\n    remedy: {}\n", reject.value, reject.remedy()));
    }
    if rejects.len() > SHOWN {
        text.push_str(&format!("\n  … and {} more\n", rejects.len() - SHOWN));
    }
    text.push('\n');
    text
}

/// What the user can do about an error.
pub(crate) fn hint_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<sparkify_etl::Error>() {
            return error.hint();
        }
        if let Some(error) = cause.downcast_ref::<sparkify_warehouse::Error>() {
            return error.hint();
        }
        if let Some(error) = cause.downcast_ref::<sparkify_analytics::Error>() {
            return error.hint();
        }
        #[cfg(feature = "aws")]
        if let Some(hint) = deployment::hint_of(cause) {
            return Some(hint);
        }
        if let Some(hint) = cause.downcast_ref().and_then(sparkify_eventsim::Error::hint) {
            return Some(hint);
        }
        #[cfg(feature = "s3")]
        if let Some(error) = cause.downcast_ref::<sparkify_storage::Error>() {
            return error.hint();
        }
        if let Some(ChecksFailed(names)) = cause.downcast_ref() {
            return names
                .first()
                .map(|name| format!("`sparkify-cli sql {name}` prints the SQL of the check"));
        }
        if cause.is::<Panicked>() {
            return Some(Panicked::HINT.to_owned());
        }
        cause.downcast_ref::<UsageError>().and_then(|error| error.hint.clone())
    })
}

fn to_json(error: &anyhow::Error, exit: Exit) -> serde_json::Value {
    let records: Vec<_> = error
        .chain()
        .filter_map(|cause| match cause.downcast_ref() {
            Some(sparkify_etl::Error::BadRecords { rejects, .. }) => Some(rejects),
            _ => None,
        })
        .flatten()
        .map(|reject| {
            serde_json::json!({
                "path": reject.path, "line": reject.line, "column": reject.column, "field": reject.field,
                "reason": reject.reason.to_string(), "value": reject.value, "remedy": reject.remedy(),
                "type": reject.engine.as_ref().and_then(|engine| engine.data_type.as_deref()),
                "length": reject.engine.as_ref().and_then(|engine| engine.length),
                "code": reject.engine.as_ref().map(|engine| engine.code),
            })
        })
        .collect();
    serde_json::json!({
        "message": error.to_string(),
        "causes": error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>(),
        "hint": hint_of(error),
        "exit_code": exit as u8,
        "records": records,
    })
}
