//! Bulk append: a table function that hands a [`BatchSource`] to DuckDB's threads.
//!
//! `INSERT INTO t SELECT * FROM sparkify_batches(7)` calls [`SourceFunction::func`] on every thread at
//! once, so each thread parses its own batch and writes it to its own part of the table.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ::duckdb::{
    Connection,
    core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId},
    vtab::{
        BindInfo, InitInfo, TableFunctionInfo, VTab, record_batch_to_duckdb_data_chunk,
        to_duckdb_logical_type,
    },
};
use arrow_array::RecordBatch;

use super::error;
use crate::{BatchSource, BoxError, Error, Result};

const FUNCTION: &str = "sparkify_batches";

/// The rows of one vector of DuckDB: a call of the function may return no more.
const VECTOR_ROWS: usize = 2048;

/// The appends under way, by the number that is the function's argument: a table function gets no
/// other argument than SQL values.
static APPENDS: LazyLock<Mutex<HashMap<u64, Arc<Append>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// An append under way.
struct Append {
    source: Arc<dyn BatchSource>,
    /// Batches of which a part has been handed out, and how many of their rows.
    begun: Mutex<Vec<(RecordBatch, usize)>>,
    /// The source's error; DuckDB would pass on its text only.
    error: Mutex<Option<BoxError>>,
}

impl Append {
    /// Up to [`VECTOR_ROWS`] rows; `None` at the end.
    fn next(&self) -> std::result::Result<Option<RecordBatch>, BoxError> {
        let begun = lock(&self.begun).pop();
        let (batch, offset) = match begun {
            Some(begun) => begun,
            None => loop {
                match self.source.next_batch()? {
                    None => return Ok(None),
                    Some(batch) if batch.num_rows() == 0 => {}
                    Some(batch) => break (batch, 0),
                }
            },
        };
        let rows = VECTOR_ROWS.min(batch.num_rows() - offset);
        let part = batch.slice(offset, rows);
        if offset + rows < batch.num_rows() {
            lock(&self.begun).push((batch, offset + rows));
        }
        Ok(Some(part))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the table function known to the database.
pub(super) fn register(connection: &Connection) -> ::duckdb::Result<()> {
    connection.register_table_function::<SourceFunction>(FUNCTION)
}

/// Appends all batches of the source.
pub(super) fn append(
    connection: &Connection,
    location: &str,
    table: &str,
    source: Arc<dyn BatchSource>,
) -> Result<u64> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let append = Arc::new(Append { source, begun: Mutex::default(), error: Mutex::default() });
    lock(&APPENDS).insert(number, Arc::clone(&append));
    let sql = format!("INSERT INTO {table} SELECT * FROM {FUNCTION}({number})");
    let result = connection.execute(&sql, []);
    lock(&APPENDS).remove(&number);
    match (lock(&append.error).take(), result) {
        (Some(error), _) => Err(Error::Source(error)),
        (None, result) => {
            result.map(|rows| rows as u64).map_err(|failure| error::statement(location, &sql, &failure))
        }
    }
}

struct SourceFunction;

impl VTab for SourceFunction {
    type InitData = ();
    type BindData = Arc<Append>;

    fn bind(bind: &BindInfo) -> std::result::Result<Arc<Append>, Box<dyn std::error::Error>> {
        let number = u64::try_from(bind.get_parameter(0).to_int64())?;
        let append = lock(&APPENDS).get(&number).cloned().ok_or("no such append")?;
        for field in append.source.schema().fields() {
            bind.add_result_column(field.name(), to_duckdb_logical_type(field.data_type())?);
        }
        Ok(append)
    }

    fn init(init: &InitInfo) -> std::result::Result<(), Box<dyn std::error::Error>> {
        // An upper bound; DuckDB uses as many threads as it has.
        init.set_max_threads(std::thread::available_parallelism().map_or(1, |n| n.get() as u64).max(2));
        Ok(())
    }

    fn func(
        info: &TableFunctionInfo<Self>,
        output: &mut DataChunkHandle,
    ) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let append = info.get_bind_data();
        match append.next() {
            Ok(Some(part)) => record_batch_to_duckdb_data_chunk(&part, output),
            Ok(None) => {
                output.set_len(0);
                Ok(())
            }
            Err(error) => {
                let message = error.to_string();
                lock(&append.error).get_or_insert(error);
                Err(message.into())
            }
        }
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(vec![LogicalTypeHandle::from(LogicalTypeId::Bigint)])
    }
}
