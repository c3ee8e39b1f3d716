//! The lock of a load.
//!
//! Redshift has no locks but those of tables, which a transaction holds until its end. So a second connection
//! of the load locks a table of ours, in a transaction that stays open, from before the ledger is read until
//! after the load is published. The table has one row: a name of its own, a part of the name under which loads put
//! their files.

use std::time::{Duration, Instant};

use sparkify_schema::{sql::context, statements::redshift as sql};

use super::{
    copy::Statements,
    pool::{Connection, Connections},
};
use crate::{
    Error, Result,
    wire::{Turn, load_under_way},
};

/// The lock of a load, until it is dropped.
pub(super) struct RunLock {
    connection: Connection,
    /// What the table has. A copy of the table has the same.
    pub(super) database_id: String,
}

impl RunLock {
    /// Gets the lock, waiting for it as long as is allowed.
    pub(super) async fn acquire(connections: &Connections, wait: Duration, turn: &mut Turn) -> Result<Self> {
        let connection = connections.get().await?;
        connection.hold();
        let deadline = turn.deadline(wait);
        loop {
            lock(connections, &connection, deadline).await?;
            let id = connection.query(&sql::database_id()).await?.text(0, 0);
            if let Some(database_id) = id {
                return Ok(Self { connection, database_id });
            }
            // The first load of the database.
            let id = uuid::Uuid::now_v7().to_string();
            let name = sql::name_database(&id).map_err(|error| Error::Internal(error.to_string()))?;
            connection.execute(&name).await?;
            connection.execute(&sql::commit()).await?;
        }
    }

    /// Whether the lock is held still: a connection that broke has lost it.
    pub(super) async fn verify(&self) -> Result<()> {
        match self.connection.query(&sql::ping()).await {
            Ok(_) => Ok(()),
            Err(error @ (Error::ConnectionLost { .. } | Error::ServerShutdown { .. })) => {
                Err(Error::Conflict {
                    location: self.connection.location().to_owned(),
                    reason: format!(
                        "the lock of the load was lost ({error}), so that another load may have begun"
                    ),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the lock back. The connection is closed afterwards: its settings are others than usual.
    pub(super) async fn release(self) {
        if let Err(error) = self.connection.execute(&sql::rollback()).await {
            tracing::debug!(%error, "the lock of the load goes with its connection");
        }
    }
}

/// Begins a transaction on the connection, and locks the table in it.
async fn lock(connections: &Connections, connection: &Connection, deadline: Instant) -> Result<()> {
    let patience = deadline.saturating_duration_since(Instant::now());
    let timeout = connections.statement_timeout();
    let work = async {
        for statement in sql::take_lock(patience.as_millis(), timeout.as_millis()) {
            connection.execute(&statement.sql).await?;
        }
        Ok(())
    };
    match work.await {
        Ok(()) => Ok(()),
        Err(Error::StatementTimeout { .. }) => {
            connection.execute(&sql::rollback()).await?;
            let holder = match connections.ask(&Statements::new()?.render("lock_holder", context! {})?).await
            {
                Ok(found) => found.integer(0, 0).and_then(|pid| i32::try_from(pid).ok()),
                Err(error) => {
                    tracing::debug!(%error, "who holds the lock of the load cannot be seen");
                    None
                }
            };
            Err(load_under_way(connections.location(), holder.map(|pid| (pid, None))))
        }
        Err(error) => Err(error),
    }
}

/// Locks the table within the transaction of a connection, if it is there: so that tables are not dropped or
/// made while a load uses them. Without it there has been no load. Begins the transaction; the connection must
/// not be used again after it, since its settings are others than usual.
pub(super) async fn begin_alone(
    connections: &Connections,
    connection: &Connection,
    wait: Duration,
    turn: &mut Turn,
) -> Result<()> {
    if connection.query(&sql::count_lock_columns()).await?.integer(0, 0) == Some(0) {
        connection.execute(&sql::begin()).await?;
        return Ok(());
    }
    lock(connections, connection, turn.deadline(wait)).await
}
