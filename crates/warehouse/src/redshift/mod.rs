//! The Amazon Redshift backend.
//!
//! It speaks the simple query protocol only, one statement a call, with every value written into the
//! statement by the one quoter. A load packs its records into compressed files in S3 and lets Redshift COPY them
//! into the run's tables, or lets it COPY objects of the source as they are; compares what was loaded with what was
//! written or listed; and publishes in one transaction. A table of ours that a second connection locks keeps other loads away.
//!
//! # Example
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sparkify_warehouse::Error> {
//! use sparkify_warehouse::{Warehouse, redshift::{RedshiftTarget, RedshiftWarehouse}};
//!
//! let environment = |name: &str| std::env::var(name).ok();
//! let url = "redshift://etl@music.abc.us-west-2.redshift.amazonaws.com/dev";
//! if let RedshiftTarget::Server(options) = RedshiftTarget::from_url(url, &environment)? {
//!     let warehouse = RedshiftWarehouse::open(&options).await?;
//!     let rows = warehouse.query("SELECT COUNT(*) FROM songplays").await?;
//! }
//! # Ok(())
//! # }
//! ```

mod append;
mod card;
mod connect;
mod copy;
mod encode;
mod error;
mod faults;
mod lock;
mod login;
mod options;
mod pack;
mod pool;
mod refusal;
mod session;
mod staging;
mod statement;
mod tap;
mod trouble;

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use sparkify_schema::{Dialect, statements::redshift as sql};
use tokio::sync::Mutex;

pub use faults::{PlainStageFaults, StageAccess, StageFault, StageFaults};
#[cfg(any(test, feature = "mock"))]
pub use login::MockLoginProvider;
pub use login::{Login, LoginError, LoginProvider};
pub use options::{IamRole, RedshiftOptions, RedshiftTarget, Staging};

pub use crate::wire::{Host, RootCertificates, Secret, Server, SslMode};

use self::pool::Connections;
use crate::{Access, Capabilities, Error, LoadSession, RecordSet, Result, Warehouse, wire::Turn};

/// A Redshift database as a [`Warehouse`].
pub struct RedshiftWarehouse {
    connections: Connections,
    options: RedshiftOptions,
    turns: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for RedshiftWarehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedshiftWarehouse")
            .field("location", &self.connections.location())
            .field("access", &self.options.access)
            .finish_non_exhaustive()
    }
}

impl RedshiftWarehouse {
    /// Connects and logs in. A server that nothing listens for is tried three times; a login only once. Nor is one
    /// that is refused later on tried again: for a new password, open it anew.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Tls`], [`Error::Login`], [`Error::DigestLogin`],
    /// [`Error::NoDatabase`], [`Error::TooManyConnections`], or [`Error::NotRedshift`].
    pub async fn open(options: &RedshiftOptions) -> Result<Self> {
        let connections = Connections::new(options)?;
        // The version by number is that of the PostgreSQL which Redshift once came from.
        let version = connections.get().await?.query(&sql::version()).await?.text(0, 0).unwrap_or_default();
        if !version.contains("Redshift") {
            let location = options.location();
            return Err(Error::NotRedshift { location, reason: version });
        }
        tracing::debug!(version, "connected");
        Ok(Self { connections, options: options.clone(), turns: Arc::default() })
    }

    /// Connects and verifies the server's certificate, without a login: a wrong one counts, and Redshift locks
    /// a user after five.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] or [`Error::Tls`].
    pub async fn check_encryption(options: &RedshiftOptions) -> Result<()> {
        connect::Connector::new(options)?.check_encryption().await
    }

    /// Runs a query in a transaction that cannot write, and that is undone whatever it did.
    async fn query_read_only(&self, sql: &str) -> Result<RecordSet> {
        let connection = self.connections.get().await?;
        connection.hold();
        connection.execute(&sql::begin_read_only()).await?;
        let result = connection.query_only(sql).await;
        if connection.execute(&sql::rollback()).await.is_ok() {
            connection.release();
        }
        result
    }
}

#[async_trait]
impl Warehouse for RedshiftWarehouse {
    fn dialect(&self) -> Dialect {
        Dialect::Redshift
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of(Dialect::Redshift)
    }

    fn location(&self) -> String {
        self.connections.location().to_owned()
    }

    async fn query(&self, sql: &str) -> Result<RecordSet> {
        match self.options.access {
            Access::ReadOnly => self.query_read_only(sql).await,
            Access::ReadWrite => self.connections.get().await?.query(sql).await,
        }
    }

    async fn transact(&self, statements: Vec<String>) -> Result<()> {
        if self.options.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let turn = Turn::wait_for(&self.turns).await;
        session::transact(&self.connections, &statements, self.options.wait, turn).await
    }

    async fn begin_load(&self) -> Result<Box<dyn LoadSession>> {
        if self.options.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let turn = Turn::wait_for(&self.turns).await;
        let load = session::RedshiftLoad::begin(self.connections.clone(), &self.options, turn).await?;
        Ok(Box::new(load))
    }

    fn interrupt(&self) {
        self.connections.running().interrupt();
    }

    async fn close(&self) -> Result<()> {
        self.connections.close().await;
        Ok(())
    }
}
