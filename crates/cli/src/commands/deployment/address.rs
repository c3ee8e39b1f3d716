//! How to reach AWS, and who is asked for the address of this machine.

use sparkify_infra::ConnectOptions;

use crate::config::Settings;

/// The service that is asked for the caller's address instead of AWS's own; for tests.
const VARIABLE: &str = "SPARKIFY_ADDRESS_SERVICE";

/// What the settings and the environment say.
pub(super) fn connect_options(settings: &Settings) -> ConnectOptions {
    let address_service = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    ConnectOptions { address_service, ..settings.deployment.connect_options() }
}
