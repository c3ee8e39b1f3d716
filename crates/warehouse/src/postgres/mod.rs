//! The PostgreSQL backend.
//!
//! A load writes the run's tables with binary COPY over several connections, then publishes in one
//! transaction on a connection of its own. An advisory lock on the schema keeps other loads away, from
//! this process and from others; it goes with the connection, so a load that dies leaves none behind.
//! A pooler in transaction mode would lose it, and is refused.
//!
//! # Example
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sparkify_warehouse::Error> {
//! use sparkify_warehouse::{Warehouse, postgres::{PostgresOptions, PostgresWarehouse}};
//!
//! let environment = |name: &str| std::env::var(name).ok();
//! let options = PostgresOptions::from_url("postgres://etl@db.example.com/music", &environment)?;
//! let warehouse = PostgresWarehouse::open(&options).await?;
//! let rows = warehouse.query("SELECT COUNT(*) FROM songplays").await?;
//! # Ok(())
//! # }
//! ```

mod copy;
mod options;
mod pool;
mod records;
mod session;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sparkify_schema::Dialect;
use tokio::sync::Mutex;

pub use options::{ChannelBinding, PostgresOptions};

pub use crate::wire::{Host, RootCertificates, Secret, Server, SslMode};

use self::pool::Connections;
use crate::{Access, Capabilities, Error, LoadSession, RecordSet, Result, Warehouse, wire::Turn};

/// The oldest server, as it numbers itself.
const OLDEST_VERSION: i64 = 150_000;

/// A PostgreSQL database as a [`Warehouse`].
pub struct PostgresWarehouse {
    connections: Connections,
    access: Access,
    writers: usize,
    wait: Duration,
    turns: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for PostgresWarehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresWarehouse")
            .field("location", &self.connections.location())
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl PostgresWarehouse {
    /// Connects and logs in. A server that nothing listens for is tried three times; a login only once.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Tls`], [`Error::Login`], [`Error::NoDatabase`],
    /// [`Error::TooManyConnections`], or [`Error::UnsuitableServer`].
    pub async fn open(options: &PostgresOptions) -> Result<Self> {
        let connections = Connections::new(options)?;
        connections.begin().await?;
        let settings = "SELECT CAST(current_setting('server_version_num') AS INTEGER), \
                        current_setting('server_version'), current_setting('server_encoding')";
        let found = connections.get().await?.query(settings).await?;
        let unsuitable = |reason| Error::UnsuitableServer { location: options.location(), reason };
        if found.integer(0, 0).is_none_or(|version| version < OLDEST_VERSION) {
            return Err(unsuitable(format!("it runs PostgreSQL {}", found.text(0, 1).unwrap_or_default())));
        }
        if let Some(encoding) = found.text(0, 2).filter(|encoding| encoding != "UTF8") {
            return Err(unsuitable(format!("its encoding is {encoding}")));
        }
        if options.access == Access::ReadWrite {
            connections.can_write().await?;
        }
        Ok(Self {
            connections,
            access: options.access,
            writers: options.writers(),
            wait: options.wait,
            turns: Arc::default(),
        })
    }

    /// Runs a query in a transaction that cannot write, and that is undone whatever it did.
    async fn query_read_only(&self, sql: &str) -> Result<RecordSet> {
        let connection = self.connections.get().await?;
        connection.hold();
        connection.control("BEGIN TRANSACTION READ ONLY").await?;
        let result = connection.answer(sql, true).await;
        if connection.control("ROLLBACK").await.is_ok() {
            connection.release();
        }
        result
    }
}

#[async_trait]
impl Warehouse for PostgresWarehouse {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of(Dialect::Postgres)
    }

    fn location(&self) -> String {
        self.connections.location().to_owned()
    }

    async fn query(&self, sql: &str) -> Result<RecordSet> {
        match self.access {
            Access::ReadOnly => self.query_read_only(sql).await,
            Access::ReadWrite => self.connections.get().await?.answer(sql, false).await,
        }
    }

    async fn transact(&self, statements: Vec<String>) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let turn = Turn::wait_for(&self.turns).await;
        session::transact(&self.connections, &statements, self.wait, turn).await
    }

    async fn begin_load(&self) -> Result<Box<dyn LoadSession>> {
        if self.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let turn = Turn::wait_for(&self.turns).await;
        let load =
            session::PostgresLoad::begin(self.connections.clone(), self.writers, self.wait, turn).await?;
        Ok(Box::new(load))
    }

    fn interrupt(&self) {
        self.connections.running().interrupt();
    }

    async fn close(&self) -> Result<()> {
        self.connections.close();
        Ok(())
    }
}
