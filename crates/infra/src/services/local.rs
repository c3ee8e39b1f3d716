//! What comes from this machine: time, its address, connections.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{DatabaseCredentials, Endpoint};

/// Time.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> SystemTime;
    /// The time since some fixed moment; it never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: tokio::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Finds the address of this machine as the outside sees it.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait AddressFinder: std::fmt::Debug + Send + Sync {
    /// The address, or why it cannot be found.
    async fn address(&self) -> Result<IpAddr, String>;
}

/// An address that is known.
#[derive(Debug, Clone, Copy)]
pub struct KnownAddress(pub IpAddr);

#[async_trait]
impl AddressFinder for KnownAddress {
    async fn address(&self) -> Result<IpAddr, String> {
        Ok(self.0)
    }
}

/// Why an attempt to connect failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ProbeError {
    /// What happened. It never holds a password.
    pub reason: String,
    /// What to do, if the one who tried knows it better than [`crate::doctor`].
    pub remedy: Option<String>,
    /// Whether another attempt makes sense. A refused login must not be tried again: Redshift locks a user
    /// after five.
    pub retry: bool,
}

impl ProbeError {
    /// A failure that may pass.
    #[must_use]
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: None, retry: true }
    }

    /// A failure that stays.
    #[must_use]
    pub fn lasting(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Some(remedy.into()), retry: false }
    }
}

/// Tries an endpoint, step by step. Each step does those before it again on a connection of its own.
/// Deadlines are the caller's business.
///
/// For the first two there are [`lookup`] and [`connect`].
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Prober: std::fmt::Debug + Send + Sync {
    /// Looks the name up.
    async fn dns(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ProbeError>;
    /// Opens a connection.
    async fn tcp(&self, endpoint: &Endpoint) -> Result<(), ProbeError>;
    /// Asks for TLS and verifies chain and host name.
    async fn tls(&self, endpoint: &Endpoint) -> Result<(), ProbeError>;
    /// Logs in and runs `SELECT 1`.
    async fn login(
        &self,
        endpoint: &Endpoint,
        database: &str,
        credentials: &DatabaseCredentials,
    ) -> Result<(), ProbeError>;
}

/// Looks a host name up.
///
/// # Errors
///
/// When it has no address.
pub async fn lookup(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ProbeError> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
    let addresses: Vec<_> = found
        .map_err(|error| ProbeError::passing(format!("{} cannot be looked up: {error}", endpoint.host)))?
        .collect();
    if addresses.is_empty() {
        return Err(ProbeError::passing(format!("{} has no address", endpoint.host)));
    }
    Ok(addresses)
}

/// Opens a TCP connection and closes it.
///
/// # Errors
///
/// When none of the host's addresses answers.
pub async fn connect(endpoint: &Endpoint) -> Result<(), ProbeError> {
    let mut last = None;
    for address in lookup(endpoint).await? {
        match tokio::net::TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(format!("{address} does not answer: {error}")),
        }
    }
    Err(ProbeError::passing(last.unwrap_or_else(|| format!("{endpoint} does not answer"))))
}
