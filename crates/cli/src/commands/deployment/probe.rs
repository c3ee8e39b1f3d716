//! Tries the database's endpoint, as far as this build can.

use std::net::SocketAddr;

use async_trait::async_trait;
use sparkify_infra::services::{self, DatabaseCredentials, Endpoint, ProbeError, Prober};

/// Speaks to the database.
#[derive(Debug)]
pub(super) struct DatabaseProber;

#[async_trait]
impl Prober for DatabaseProber {
    async fn dns(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ProbeError> {
        services::lookup(endpoint).await
    }

    async fn tcp(&self, endpoint: &Endpoint) -> Result<(), ProbeError> {
        services::connect(endpoint).await
    }

    async fn tls(&self, endpoint: &Endpoint) -> Result<(), ProbeError> {
        Err(ProbeError::passing(format!("{endpoint}")))
    }

    async fn login(
        &self,
        endpoint: &Endpoint,
        _database: &str,
        _credentials: &DatabaseCredentials,
    ) -> Result<(), ProbeError> {
        Err(ProbeError::passing(format!("{endpoint}")))
    }
}
