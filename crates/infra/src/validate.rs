//! The rules that settings must keep.

use crate::{config::DeploymentConfig, error::ConfigError};

pub(crate) fn validate(_config: &DeploymentConfig) -> Result<(), ConfigError> {
    Ok(())
}
