//! A load on the writing connection.
//!
//! The run-private tables are committed before the transforms read them, since DuckDB scans what an open
//! transaction wrote with one thread only.

use std::sync::Arc;

use ::duckdb::Connection;
use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;

use super::{Interrupts, append, execute, query, run_blocking};
use crate::{BatchSource, Error, LoadSession, RecordSet, Result};

type Writer = OwnedMutexGuard<Option<Connection>>;

/// A load of a DuckDB database.
pub(super) struct DuckDbLoad {
    /// `None` only while a call has it, or after the end.
    writer: Option<Writer>,
    location: String,
    publishing: bool,
    interrupts: Arc<Interrupts>,
}

impl DuckDbLoad {
    pub(super) fn new(writer: Writer, location: String, interrupts: Arc<Interrupts>) -> Self {
        Self { writer: Some(writer), location, publishing: false, interrupts }
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let writer = self.writer.take().ok_or(Error::Closed)?;
        let location = self.location.clone();
        // If the caller drops this future, the guard goes down with the blocking task, which rolls back.
        let mut writer = RollBackOnDrop(Some(writer));
        let (result, writer) = run_blocking(move || {
            let connection = writer.0.as_ref().and_then(|guard| guard.as_ref()).ok_or(Error::Closed)?;
            let result = work(connection, &location);
            let guard = writer.0.take();
            // Handing the guard back may fail when nobody waits any more; then it is dropped and undone.
            Ok((result, RollBackOnDrop(guard)))
        })
        .await?;
        self.writer = { writer }.0.take();
        result
    }
}

/// Undoes the transaction when it goes, unless the connection has been taken out.
struct RollBackOnDrop(Option<Writer>);

impl Drop for RollBackOnDrop {
    fn drop(&mut self) {
        if let Some(connection) = self.0.as_ref().and_then(|guard| guard.as_ref()) {
            roll_back(connection);
        }
    }
}

/// Runs the statements in one transaction. An interrupt ends it before its COMMIT or not at all.
pub(super) fn transact(
    connection: &Connection,
    location: &str,
    statements: &[String],
    interrupts: &Interrupts,
) -> Result<()> {
    begin_and_run(connection, location, statements)?;
    interrupts.shielded(|| execute(connection, location, "COMMIT")).map(drop)
}

fn begin_and_run(connection: &Connection, location: &str, statements: &[String]) -> Result<()> {
    execute(connection, location, "BEGIN")?;
    for sql in statements {
        if let Err(error) = execute(connection, location, sql) {
            roll_back(connection);
            return Err(error);
        }
    }
    Ok(())
}

/// Rolls back; an error means that there is nothing to roll back any more.
pub(super) fn roll_back(connection: &Connection) {
    if let Err(error) = connection.execute("ROLLBACK", []) {
        tracing::debug!(%error, "nothing to roll back");
    }
}

impl Drop for DuckDbLoad {
    fn drop(&mut self) {
        drop(RollBackOnDrop(self.writer.take()));
    }
}

#[async_trait]
impl LoadSession for DuckDbLoad {
    async fn execute(&mut self, sql: &str) -> Result<u64> {
        let sql = sql.to_owned();
        self.run(move |connection, location| execute(connection, location, &sql)).await
    }

    async fn query(&mut self, sql: &str) -> Result<RecordSet> {
        let sql = sql.to_owned();
        self.run(move |connection, location| query(connection, location, &sql)).await
    }

    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64> {
        let table = sparkify_schema::ddl::identifier(table, sparkify_schema::Dialect::DuckDb)
            .map_err(|error| Error::Internal(error.to_string()))?;
        self.run(move |connection, location| append::append(connection, location, &table, source)).await
    }

    async fn prepare(&mut self, statements: Vec<String>) -> Result<()> {
        let interrupts = Arc::clone(&self.interrupts);
        self.run(move |connection, location| transact(connection, location, &statements, &interrupts)).await
    }

    async fn publish(&mut self) -> Result<()> {
        self.execute("BEGIN").await?;
        self.publishing = true;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        if self.publishing {
            let interrupts = Arc::clone(&self.interrupts);
            self.run(move |connection, location| {
                interrupts.shielded(|| execute(connection, location, "COMMIT"))
            })
            .await?;
        }
        self.writer = None;
        Ok(())
    }

    async fn abort(mut self: Box<Self>, cleanup: Vec<String>) -> Result<()> {
        let (publishing, interrupts) = (self.publishing, Arc::clone(&self.interrupts));
        self.run(move |connection, location| {
            // The wish to stop that led here must not stop the cleaning up.
            interrupts.shielded(|| {
                if publishing {
                    roll_back(connection);
                }
                if cleanup.is_empty() {
                    return Ok(());
                }
                begin_and_run(connection, location, &cleanup)?;
                execute(connection, location, "COMMIT").map(drop)
            })
        })
        .await?;
        self.writer = None;
        Ok(())
    }
}
