//! Logs on standard error.

use std::io::{IsTerminal, Write};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Settings};

/// Each statement and request of ours; of the libraries below only what is worth a word.
const STATEMENTS: &str = "debug,hyper=info,rustls=info,aws_=info,object_store=info";

/// What is to be looked into, and what becomes of statements that the user interrupts. Nothing of the AWS libraries:
/// what they warn of is an error here, in other words.
const QUIETLY: &str = "warn,aws_=off,sparkify::interrupts=info";

/// What is done.
const STEPS: &str = "info,aws_=off";

/// Begins to log as the settings say. `RUST_LOG` beats them.
pub(crate) fn begin(settings: &Settings) {
    let level = match (settings.quiet, settings.verbose) {
        (true, _) => "error",
        (false, 0) => QUIETLY,
        (false, 1) => STEPS,
        (false, _) => STATEMENTS,
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // Colours are for terminals only, and not for everyone: see no-color.org.
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
    let subscriber =
        fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(colours);
    // A second subscriber is refused when the library is used inside another program; that one's stays.
    let _ = match settings.log_format.value {
        LogFormat::Json => subscriber.json().try_init(),
        LogFormat::Text => subscriber.without_time().try_init(),
    };
}

/// Tells the user what was done without being asked for: a plain line, or a log record in the JSON form.
pub(crate) fn notice(settings: &Settings, message: &str) -> std::io::Result<()> {
    match (settings.quiet, settings.log_format.value) {
        (true, _) => Ok(()),
        (false, LogFormat::Json) => {
            tracing::warn!("{message}");
            Ok(())
        }
        (false, LogFormat::Text) => writeln!(std::io::stderr(), "{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_interrupted_statements_is_said_however_little_is_logged() {
        assert!(QUIETLY.contains(&format!("{}=info", sparkify_warehouse::INTERRUPTS)));
    }
}
