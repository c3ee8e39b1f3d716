//! Questions to the user.

use std::io::{IsTerminal, Write};

use crate::{
    config::Settings,
    exit::{DeploymentStopped, UsageError},
    stop::Stop,
};

/// Whether there is somebody to ask.
pub(super) fn is_attended() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks before something is done; `--yes` has answered already.
pub(super) async fn confirm(
    settings: &Settings,
    stop: &mut Stop,
    command: &'static str,
    question: &str,
) -> anyhow::Result<()> {
    if settings.yes {
        return Ok(());
    }
    if !is_attended() {
        return Err(UsageError::with_hint(
            format!("{command} changes resources on AWS, and there is nobody to ask"),
            format!("add --yes to confirm, or look at it first with `sparkify-cli {command} --plan`"),
        )
        .into());
    }
    if yes_or_no(stop, command, question).await? {
        return Ok(());
    }
    anyhow::bail!("nothing was changed")
}

/// Asks until the answer is one, which is no if it is empty.
pub(super) async fn yes_or_no(
    stop: &mut Stop,
    command: &'static str,
    question: &str,
) -> anyhow::Result<bool> {
    let prompt = format!("{question} [y/N] ");
    // A thread of its own reads, so that Ctrl-C is heard meanwhile.
    let answer = tokio::task::spawn_blocking(move || -> std::io::Result<bool> {
        let mut stderr = std::io::stderr();
        stderr.write_all(prompt.as_bytes())?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    });
    match stop.unless_requested(answer).await {
        Some(answer) => Ok(answer??),
        None => Err(DeploymentStopped { command, standing: Vec::new() }.into()),
    }
}
