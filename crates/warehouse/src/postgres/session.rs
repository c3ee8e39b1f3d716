//! A load on a connection of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sparkify_schema::{Dialect, ddl, statements::postgres as sql};

use super::{
    copy,
    pool::{Connection, Connections},
};
use crate::{
    BatchSource, Error, LoadSession, RecordSet, Result,
    wire::{Turn, load_under_way},
};

/// How long to sleep between two attempts to get the lock that another process holds.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// How many late requests to interrupt a load do not keep it from cleaning up.
const INTERRUPTIONS: usize = 5;

/// How long the lock is held.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// The end of the transaction.
    Transaction,
    /// It is given back, or the connection ends.
    Session,
}

/// Gets the lock of the run, waiting for it as long as is allowed.
async fn lock(
    connections: &Connections,
    connection: &Connection,
    until: Until,
    deadline: Instant,
) -> Result<()> {
    let lock = match until {
        Until::Transaction => sql::lock_load_in_transaction(),
        Until::Session => sql::lock_load(),
    };
    let entry = connections.running().enter(None);
    loop {
        if connection.query(&lock).await?.text(0, 0).as_deref() == Some("true") {
            return Ok(());
        }
        if entry.is_interrupted() {
            return Err(Error::Interrupted);
        }
        if Instant::now() >= deadline {
            let holder = connection.query(&sql::lock_holder()).await?;
            let pid = holder.integer(0, 0).and_then(|pid| i32::try_from(pid).ok());
            return Err(load_under_way(connections.location(), pid.map(|pid| (pid, holder.text(0, 1)))));
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// Runs the statements in one transaction, alone.
pub(super) async fn transact(
    connections: &Connections,
    statements: &[String],
    wait: Duration,
    mut turn: Turn,
) -> Result<()> {
    let connection = connections.get().await?;
    connection.hold();
    connection.control("BEGIN").await?;
    let work = async {
        lock(connections, &connection, Until::Transaction, turn.deadline(wait)).await?;
        for sql in statements {
            connection.execute(sql).await?;
        }
        connection.commit().await
    };
    let result = work.await;
    // After a commit that went well there is nothing to undo.
    if result.is_ok() || connection.control("ROLLBACK").await.is_ok() {
        connection.release();
        turn.end();
    }
    result
}

/// A load of a PostgreSQL database.
pub(super) struct PostgresLoad {
    connections: Connections,
    connection: Connection,
    writers: usize,
    publishing: bool,
    /// Given on after the connection.
    turn: Turn,
}

impl PostgresLoad {
    pub(super) async fn begin(
        connections: Connections,
        writers: usize,
        wait: Duration,
        mut turn: Turn,
    ) -> Result<Self> {
        let connection = connections.get().await?;
        connection.hold();
        // If this process dies, the server shall notice it within a statement, and let the lock go. Not
        // all systems can.
        let notice = "SELECT set_config('client_connection_check_interval', '5s', false)";
        if let Err(error) = connection.query(notice).await {
            tracing::debug!(%error, "the server cannot watch the connection");
        }
        lock(&connections, &connection, Until::Session, turn.deadline(wait)).await?;
        Ok(Self { connections, connection, writers, publishing: false, turn })
    }

    /// Undoes the transaction, and runs the statements that drop the run's tables.
    async fn undo(&mut self, cleanup: &[String]) -> Result<()> {
        if self.publishing {
            self.connection.control("ROLLBACK").await?;
            self.publishing = false;
        }
        if cleanup.is_empty() { Ok(()) } else { all_or_none(&self.connection, cleanup).await }
    }

    /// Gives the lock and the connection back.
    async fn end(mut self) -> Result<()> {
        if let Err(error) = self.connection.query(&sql::unlock_load()).await {
            // The connection is closed now, and the lock goes with it.
            tracing::debug!(%error, "the lock of the run could not be given back");
            return Ok(());
        }
        self.connection.release();
        self.turn.end();
        Ok(())
    }
}

async fn all_or_none(connection: &Connection, statements: &[String]) -> Result<()> {
    connection.control("BEGIN").await?;
    let work = async {
        for sql in statements {
            connection.execute(sql).await?;
        }
        connection.control("COMMIT").await
    };
    let result = work.await;
    if result.is_err()
        && let Err(error) = connection.control("ROLLBACK").await
    {
        tracing::debug!(%error, "nothing to roll back");
    }
    result
}

#[async_trait]
impl LoadSession for PostgresLoad {
    async fn execute(&mut self, sql: &str) -> Result<u64> {
        self.connection.execute(sql).await
    }

    async fn query(&mut self, sql: &str) -> Result<RecordSet> {
        self.connection.query(sql).await
    }

    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64> {
        let table =
            ddl::identifier(table, Dialect::Postgres).map_err(|error| Error::Internal(error.to_string()))?;
        let connection = &self.connection;
        let target = copy::Target::find(connection, &table, &source.schema()).await?;
        if self.publishing {
            // Only this connection sees what the transaction did.
            return copy::append_on(connection, target, source).await;
        }
        let rows = copy::append_parallel(&self.connections, self.writers, target, source).await?;
        // The table is new to the planner, and the transforms come before its own count would.
        connection.execute(&sql::analyze(&table)).await?;
        Ok(rows)
    }

    async fn prepare(&mut self, statements: Vec<String>) -> Result<()> {
        all_or_none(&self.connection, &statements).await
    }

    async fn publish(&mut self) -> Result<()> {
        self.connection.control("BEGIN").await?;
        self.publishing = true;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        if self.publishing {
            self.connection.commit().await?;
            self.publishing = false;
        }
        self.end().await
    }

    async fn abort(mut self: Box<Self>, cleanup: Vec<String>) -> Result<()> {
        // A request to interrupt the load may arrive only now; each is good for one statement.
        for _ in 0..INTERRUPTIONS {
            match self.undo(&cleanup).await {
                Err(Error::Interrupted) => {}
                result => {
                    result?;
                    return self.end().await;
                }
            }
        }
        Err(Error::Interrupted)
    }
}
