//! Tries the database's endpoint, step by step.

use std::net::SocketAddr;

use async_trait::async_trait;
use sparkify_infra::services::{self, DatabaseCredentials, Endpoint, ProbeError, Prober};
use sparkify_schema::statements;
use sparkify_warehouse::{
    Error, Warehouse,
    redshift::{RedshiftOptions, RedshiftWarehouse, Secret},
};

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
        // Nobody logs in, so any name does.
        let options = options(endpoint, "dev", "nobody", Secret::new(String::new()))?;
        RedshiftWarehouse::check_encryption(&options).await.map_err(|error| probe_error(&error))
    }

    async fn login(
        &self,
        endpoint: &Endpoint,
        database: &str,
        credentials: &DatabaseCredentials,
    ) -> Result<(), ProbeError> {
        let password = Secret::new(credentials.password.expose());
        let options = options(endpoint, database, &credentials.user, password)?;
        let select = async {
            let warehouse = RedshiftWarehouse::open(&options).await?;
            warehouse.query(&statements::redshift::ping()).await?;
            warehouse.close().await
        };
        select.await.map_err(|error| probe_error(&error))
    }
}

/// The endpoint as the backend wants it; the environment may name the authorities of its certificate.
fn options(
    endpoint: &Endpoint,
    database: &str,
    user: &str,
    password: Secret,
) -> Result<RedshiftOptions, ProbeError> {
    let environment = |name: &str| std::env::var(name).ok();
    RedshiftOptions::for_endpoint(&endpoint.host, endpoint.port, database, user, password, &environment)
        .map_err(|error| probe_error(&error))
}

fn probe_error(error: &Error) -> ProbeError {
    let retry = matches!(error, Error::Unreachable { .. } | Error::ConnectionLost { .. });
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let reason = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    ProbeError { reason, remedy: error.hint(), retry }
}
