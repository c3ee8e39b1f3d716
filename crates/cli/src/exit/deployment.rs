//! How the commands about AWS end.

use std::error::Error;

use super::{Exit, STOPPED};

/// There is something to do, which `--detailed-exitcode` wants to know. It has been printed.
#[derive(Debug, thiserror::Error)]
#[error("there are changes to be made")]
pub(crate) struct ChangesPending;

/// The steps of `doctor` that failed. They have been printed.
#[derive(Debug, thiserror::Error)]
#[error("{} of the steps failed: {}", .0.len(), .0.join(", "))]
pub(crate) struct DoctorFailed(pub(crate) Vec<&'static str>);

/// The resources are there, and the warehouse is not ready all the same. They have been printed.
#[derive(Debug, thiserror::Error)]
#[error("the warehouse is there for AWS, but it is not ready: it fails at {step}: {reason}")]
pub(crate) struct NotReady {
    /// The step of the first connection that failed.
    pub(crate) step: String,
    /// What happened.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// What is left, or may be left, after a teardown. It has been printed.
#[derive(Debug, thiserror::Error)]
#[error("teardown left something behind: {}", .0.join(", "))]
pub(crate) struct Leftovers(pub(crate) Vec<String>);

/// The user stopped work on the resources of a deployment.
#[derive(Debug, thiserror::Error)]
#[error("{STOPPED}; {}", standing_text(.standing, .command))]
pub(crate) struct DeploymentStopped {
    /// The command.
    pub(crate) command: &'static str,
    /// How far each resource came.
    pub(crate) standing: Vec<String>,
}

fn standing_text(standing: &[String], command: &str) -> String {
    if standing.is_empty() {
        return "nothing was changed".to_owned();
    }
    format!(
        "this is how things are:\n  {}\n`sparkify-cli {command}` goes on from here, `sparkify-cli status` shows how it \
         is, `sparkify-cli teardown` takes it away",
        standing.join("\n  ")
    )
}

/// Whether it is no more than an exit code.
pub(super) fn is_silent(error: &anyhow::Error) -> bool {
    error.is::<ChangesPending>()
}

/// Whether all that it says has been printed as the result.
pub(super) fn is_printed(error: &anyhow::Error) -> bool {
    is_silent(error) || error.is::<DoctorFailed>() || error.is::<Leftovers>() || error.is::<NotReady>()
}

pub(super) fn exit_of(cause: &(dyn Error + 'static)) -> Option<Exit> {
    if cause.is::<DeploymentStopped>() {
        return Some(Exit::Interrupted);
    }
    if cause.is::<Leftovers>() {
        return Some(Exit::Left);
    }
    let is_usage = matches!(
        cause.downcast_ref(),
        Some(sparkify_infra::Error::Config(_) | sparkify_infra::Error::SnapshotUndecided { .. })
    );
    // Changes that wait have the exit code that Terraform gives them.
    let is_usage = is_usage || cause.is::<sparkify_infra::ConfigError>() || cause.is::<ChangesPending>();
    is_usage.then_some(Exit::Usage)
}

pub(super) fn hint_of(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<sparkify_infra::Error>() {
        return error.hint();
    }
    if let Some(error) = cause.downcast_ref::<sparkify_infra::ConfigError>() {
        return Some(error.hint.clone());
    }
    if let Some(NotReady { remedy, .. }) = cause.downcast_ref() {
        return Some(format!(
            "{remedy}; `sparkify-cli doctor` goes through all of it, `sparkify-cli provision` tries again"
        ));
    }
    cause.is::<Leftovers>().then(|| {
        "what is said about each tells why it is left; then run `sparkify-cli teardown` again".to_owned()
    })
}
