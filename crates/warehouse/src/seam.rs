//! The traits.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use sparkify_schema::Dialect;

use crate::{Capabilities, Fill, Filled, ObjectReading, RecordSet, Result};

/// An error of another crate.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anything.
    ReadWrite,
    /// Queries only: the engine itself refuses everything else.
    ReadOnly,
}

/// Record batches that a backend pulls from as many threads as it likes.
///
/// # Contract
///
/// - [`next_batch`](Self::next_batch) may be called by several threads at once; each batch is handed
///   out once, in no particular order.
/// - `Ok(None)` means that the calling thread will get no more batches.
/// - After an error every later call returns an error or `Ok(None)` soon.
/// - All batches have the schema of [`schema`](Self::schema).
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait BatchSource: std::fmt::Debug + Send + Sync {
    /// The schema of every batch.
    fn schema(&self) -> SchemaRef;

    /// The next batch; blocks while it is made.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from making it. [`LoadSession::append`] returns it as
    /// [`crate::Error::Source`].
    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError>;
}

/// An SQL engine that holds, or will hold, the star schema.
///
/// # Contract
///
/// - Statements are single statements in the SQL of [`dialect`](Self::dialect).
/// - All methods may be called from several tasks at once.
/// - Dropping a future may leave its statement running; [`interrupt`](Self::interrupt) ends it.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Warehouse: std::fmt::Debug + Send + Sync {
    /// The dialect that statements must be written in.
    fn dialect(&self) -> Dialect;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Where it is, for messages; never with a secret.
    fn location(&self) -> String;

    /// Runs a query and returns all its rows.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Statement`] for what the engine refuses, and the connection errors.
    async fn query(&self, sql: &str) -> Result<RecordSet>;

    /// Runs the statements in one transaction: all of them take effect, or none.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query); [`crate::Error::ReadOnly`] on a read-only connection.
    async fn transact(&self, statements: Vec<String>) -> Result<()>;

    /// Begins a load. One load at a time can be under way: a second one waits for the first.
    ///
    /// # Errors
    ///
    /// As [`transact`](Self::transact).
    async fn begin_load(&self) -> Result<Box<dyn LoadSession>>;

    /// Ends the statements that are running; they fail with [`crate::Error::Interrupted`].
    fn interrupt(&self);

    /// Releases what is held, so that another process can open the database. Statements fail afterwards.
    ///
    /// # Errors
    ///
    /// When what was written cannot be brought to disk.
    async fn close(&self) -> Result<()>;
}

/// A load under way.
///
/// It has two parts. Before [`publish`](Self::publish) it fills tables that are private to the run, and
/// each statement takes effect at once: on some engines that is the only way to use several connections
/// or threads. From then on everything happens in one transaction.
///
/// # Contract
///
/// - Before [`publish`](Self::publish) the caller writes run-private tables only.
/// - What happens after it is invisible to others before [`commit`](Self::commit) returns `Ok`, and all
///   of it is visible afterwards.
/// - After [`abort`](Self::abort), a drop, or the death of the process, the permanent tables are as they
///   were before. Run-private tables may be left then; the next load drops them.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LoadSession: Send {
    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`].
    async fn execute(&mut self, sql: &str) -> Result<u64>;

    /// Runs a query that sees what this session did.
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`].
    async fn query(&mut self, sql: &str) -> Result<RecordSet>;

    /// Appends all batches of the source to the table, matching columns by position, and returns the
    /// number of rows.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Source`] with the source's own error, or as [`Warehouse::query`].
    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64>;

    /// How [`fill`](Self::fill) reads objects, if it can be used for that.
    fn reads_objects(&self) -> Option<ObjectReading> {
        None
    }

    /// Fills several run-private tables; an engine that gains by it does so at the same time, whether they are
    /// filled from batches or from objects. Empty objects are not read; they have no lines. Only before
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); some of the tables may have been filled then. For objects also
    /// [`crate::Error::Unsupported`] by an engine that cannot read them; [`crate::Error::RecordsRefused`] with the
    /// records that do not fit; [`crate::Error::Unreconciled`] when the objects are others than those that
    /// were listed.
    async fn fill(&mut self, fill: Fill) -> Result<Filled> {
        if !fill.objects.is_empty() {
            return Err(crate::Error::Unsupported("read the objects of a source itself"));
        }
        let mut filled = Filled::default();
        for (table, source) in fill.tables {
            filled.rows.push(self.append(&table, source).await?);
        }
        Ok(filled)
    }

    /// Drops and creates run-private tables by these statements, all or none. Only before
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`].
    async fn prepare(&mut self, statements: Vec<String>) -> Result<()>;

    /// Begins the transaction that writes permanent tables.
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`].
    async fn publish(&mut self) -> Result<()>;

    /// Makes everything permanent and visible.
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`]; nothing has changed then, unless the error
    /// [is retryable](crate::Error::is_retryable): a connection that breaks now leaves it open whether
    /// everything was made permanent.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Undoes what was done since [`publish`](Self::publish), then drops the run-private tables by these
    /// statements.
    ///
    /// # Errors
    ///
    /// As [`Warehouse::query`]; the permanent tables are as they were before all the same.
    async fn abort(self: Box<Self>, cleanup: Vec<String>) -> Result<()>;
}
