//! Logs on standard error.

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Settings};

/// Begins to log as the settings say. `RUST_LOG` beats them.
pub(crate) fn begin(settings: &Settings) {
    let level = match (settings.quiet, settings.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second subscriber is refused when the library is used inside another program; that one's stays.
    let _ = match settings.log_format.value {
        LogFormat::Json => subscriber.json().try_init(),
        LogFormat::Text => subscriber.without_time().try_init(),
    };
}
