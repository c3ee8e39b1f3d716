//! The embedded backend: a DuckDB database in a file or in memory.
//!
//! DuckDB lets one process at a time open a file for writing, and any number for reading while nobody
//! writes. Bulk appends go through a table function that DuckDB's own
//! threads pull from, so parsing and writing run on all cores; a single appender would use one.

mod append;
mod error;
mod session;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ::duckdb::{AccessMode, Config, Connection, InterruptHandle};
use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use async_trait::async_trait;
use sparkify_schema::Dialect;
use tokio::sync::Mutex;

use crate::{Access, Capabilities, Error, LoadSession, RecordSet, Result, Warehouse};

/// How long to sleep between two attempts to open a file that another process holds.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// How long another process may take to write the beginning of a file that it has just made.
const CREATION: Duration = Duration::from_secs(5);

/// How a DuckDB database is opened.
#[derive(Debug, Clone)]
pub struct DuckDbOptions {
    /// The file; `None` keeps the database in memory.
    pub path: Option<PathBuf>,
    /// Reading and writing, or reading only.
    pub access: Access,
    /// The most memory DuckDB's buffers may take, as DuckDB writes it (`400MB`).
    pub memory_limit: String,
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// How long to wait for a file that another process holds.
    pub wait: Duration,
    /// A directory for what does not fit into the memory; `None` is DuckDB's choice: beside the file. What is written
    /// there goes when the database is closed.
    pub temp_directory: Option<PathBuf>,
}

impl DuckDbOptions {
    /// The default memory limit. Parsing and Arrow batches come on top; together a load stays below
    /// 600 MB whatever the input size. Larger intermediate results go to a temporary directory.
    pub const DEFAULT_MEMORY_LIMIT: &str = "400MB";

    /// A database in a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::in_memory() }
    }

    /// A database in memory, gone when it is dropped.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            path: None,
            access: Access::ReadWrite,
            memory_limit: Self::DEFAULT_MEMORY_LIMIT.to_owned(),
            threads: 0,
            wait: Duration::ZERO,
            temp_directory: None,
        }
    }

    /// The same, for reading only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    fn config(&self) -> ::duckdb::Result<Config> {
        let mut config = Config::default()
            .max_memory(&self.memory_limit)?
            // Rows have no order of their own here; keeping one would make the insert single-threaded.
            .with("preserve_insertion_order", "false")?
            .with("autoinstall_known_extensions", "false")?
            // Types that Arrow has not come with their names; otherwise some of their values would be changed.
            .with("arrow_lossless_conversion", "true")?;
        if self.threads > 0 {
            config = config.threads(i64::try_from(self.threads).unwrap_or(i64::MAX))?;
        }
        if let Some(directory) = &self.temp_directory {
            // Two processes that use one directory would overwrite each other's files.
            let own = directory.join(format!("sparkify-duckdb-{}", std::process::id()));
            config = config.with("temp_directory", own.to_string_lossy())?;
        }
        if self.access == Access::ReadOnly {
            // A query must not write files either (COPY … TO) or open other databases.
            config = config.access_mode(AccessMode::ReadOnly)?.enable_external_access(false)?;
        }
        Ok(config)
    }
}

/// A DuckDB database as a [`Warehouse`].
pub struct DuckDbWarehouse {
    location: String,
    access: Access,
    /// For loads and other writes, one at a time; `None` once closed.
    writer: Arc<Mutex<Option<Connection>>>,
    /// For queries beside a load.
    reader: Arc<Mutex<Option<Connection>>>,
    interrupts: Arc<Interrupts>,
}

/// The handles that end running statements. While a commit is under way the writer is left alone: DuckDB
/// reports an interrupted COMMIT as failed although it took effect.
pub(super) struct Interrupts {
    reader: Arc<InterruptHandle>,
    writer: Arc<InterruptHandle>,
    /// Locked for the whole of a commit, and while the writer is interrupted.
    commit: std::sync::Mutex<()>,
}

impl Interrupts {
    fn interrupt(&self) {
        self.reader.interrupt();
        if let Ok(_guard) = self.commit.try_lock() {
            self.writer.interrupt();
        }
    }

    /// Does the work uninterrupted.
    pub(super) fn shielded<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.commit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        work()
    }
}

impl std::fmt::Debug for DuckDbWarehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DuckDbWarehouse")
            .field("location", &self.location)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl DuckDbWarehouse {
    /// Opens the database, and creates the file if it is opened for writing and does not exist.
    ///
    /// Blocks for up to [`DuckDbOptions::wait`] while another process holds the file.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::NotADatabase`], [`Error::NotFound`] (reading only) or [`Error::Open`].
    pub fn open(options: &DuckDbOptions) -> Result<Self> {
        if let Some(directory) = options.temp_directory.as_ref().filter(|directory| !directory.is_dir()) {
            return Err(Error::TempDirectory { reason: format!("{} is no directory", directory.display()) });
        }
        let begin = Instant::now();
        let deadline = begin + options.wait;
        let writer = loop {
            match Self::connect(options) {
                Err(Error::Locked { .. }) if Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
                Err(Error::NotADatabase { path, .. })
                    if begin.elapsed() < CREATION && Self::may_be_in_the_making(&path) =>
                {
                    std::thread::sleep(LOCK_POLL);
                }
                result => break result?,
            }
        };
        let internal = |error: ::duckdb::Error| Error::Internal(error.to_string());
        if options.access == Access::ReadWrite {
            append::register(&writer).map_err(internal)?;
            // Trying these out on each column costs a tenth of the load, and beside the others they save
            // hardly any space. Given when the database is opened, the setting has no effect.
            writer.execute_batch("SET disabled_compression_methods = 'fsst,dict_fsst'").map_err(internal)?;
        }
        let reader = writer.try_clone().map_err(internal)?;
        for connection in [&writer, &reader] {
            // As on the other engines, whatever the zone of this machine is. A DuckDB without the extension for zones
            // knows UTC only.
            if let Err(error) = connection.execute_batch("SET TimeZone = 'UTC'") {
                tracing::debug!(%error, "this DuckDB knows no time zones");
            }
        }
        Ok(Self {
            location: options
                .path
                .as_ref()
                .map_or_else(|| "duckdb::memory:".to_owned(), |path| format!("duckdb:{}", path.display())),
            access: options.access,
            interrupts: Arc::new(Interrupts {
                reader: reader.interrupt_handle(),
                writer: writer.interrupt_handle(),
                commit: std::sync::Mutex::default(),
            }),
            writer: Arc::new(Mutex::new(Some(writer))),
            reader: Arc::new(Mutex::new(Some(reader))),
        })
    }

    fn connect(options: &DuckDbOptions) -> Result<Connection> {
        let Some(path) = &options.path else {
            let config = options.config().map_err(|error| Error::Internal(error.to_string()))?;
            return Connection::open_in_memory_with_flags(config)
                .map_err(|error| Error::Internal(error.to_string()));
        };
        if options.access == Access::ReadOnly && !path.exists() {
            return Err(Error::NotFound { path: path.clone() });
        }
        if header::<16>(path).as_ref() == Some(b"SQLite format 3\0") {
            return Err(Error::NotADatabase { path: path.clone(), reason: "it is one of SQLite".to_owned() });
        }
        let open_failed = |error: ::duckdb::Error| error::opening(path, &error);
        Connection::open_with_flags(path, options.config().map_err(open_failed)?).map_err(open_failed)
    }

    /// Whether a file that was no database a moment ago may be one that another process is just making: it
    /// has nothing in it yet, or a beginning by now.
    fn may_be_in_the_making(path: &Path) -> bool {
        use std::io::Read;
        let mut header = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(12).read_to_end(&mut header));
        read.is_ok() && (header.iter().all(|byte| *byte == 0) || Self::is_database(path))
    }

    /// Whether a file looks like it was made by DuckDB: so that nothing else is ever overwritten.
    #[must_use]
    pub fn is_database(path: &Path) -> bool {
        header::<12>(path).is_some_and(|header| &header[8..] == b"DUCK")
    }
}

/// The first bytes of a file.
fn header<const N: usize>(path: &Path) -> Option<[u8; N]> {
    use std::io::Read;
    let mut header = [0; N];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header)).ok().map(|()| header)
}

/// Runs blocking work on a connection without blocking the async runtime.
async fn with_connection<T: Send + 'static>(
    connection: &Arc<Mutex<Option<Connection>>>,
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> Result<T> {
    let guard = Arc::clone(connection).lock_owned().await;
    run_blocking(move || work(guard.as_ref().ok_or(Error::Closed)?)).await
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

fn query(connection: &Connection, location: &str, sql: &str) -> Result<RecordSet> {
    let failed = |error| error::statement(location, sql, &error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let arrow = statement.query_arrow([]).map_err(failed)?;
    let schema = arrow.get_schema();
    record_set(&schema, arrow).map_err(|error| Error::Internal(error.to_string()))
}

/// The rows with truth values as Arrow has them: with the other types that it has not, DuckDB marks these too.
fn record_set(
    schema: &Schema,
    batches: impl Iterator<Item = RecordBatch>,
) -> std::result::Result<RecordSet, ArrowError> {
    let is_truth = |field: &Field| field.extension_type_name() == Some("arrow.bool8");
    let fields = schema.fields().iter().map(|field| match is_truth(field) {
        true => Arc::new(Field::new(field.name(), DataType::Boolean, field.is_nullable())),
        false => Arc::clone(field),
    });
    let plain = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = batches.map(|batch| {
        let columns =
            batch.columns().iter().zip(schema.fields()).map(|(column, field)| match is_truth(field) {
                true => cast(column, &DataType::Boolean),
                false => Ok(Arc::clone(column)),
            });
        RecordBatch::try_new(Arc::clone(&plain), columns.collect::<std::result::Result<_, _>>()?)
    });
    let batches = batches.collect::<std::result::Result<_, _>>()?;
    Ok(RecordSet::new(plain, batches))
}

fn execute(connection: &Connection, location: &str, sql: &str) -> Result<u64> {
    tracing::debug!(sql, "execute");
    let changed = connection.execute(sql, []).map_err(|error| error::statement(location, sql, &error))?;
    Ok(changed as u64)
}

#[async_trait]
impl Warehouse for DuckDbWarehouse {
    fn dialect(&self) -> Dialect {
        Dialect::DuckDb
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of(Dialect::DuckDb)
    }

    fn location(&self) -> String {
        self.location.clone()
    }

    async fn query(&self, sql: &str) -> Result<RecordSet> {
        let (location, sql) = (self.location.clone(), sql.to_owned());
        with_connection(&self.reader, move |connection| query(connection, &location, &sql)).await
    }

    async fn transact(&self, statements: Vec<String>) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let location = self.location.clone();
        let interrupts = Arc::clone(&self.interrupts);
        with_connection(&self.writer, move |connection| {
            session::transact(connection, &location, &statements, &interrupts)
        })
        .await
    }

    async fn begin_load(&self) -> Result<Box<dyn LoadSession>> {
        if self.access == Access::ReadOnly {
            return Err(Error::ReadOnly);
        }
        let guard = Arc::clone(&self.writer).lock_owned().await;
        if guard.is_none() {
            return Err(Error::Closed);
        }
        Ok(Box::new(session::DuckDbLoad::new(guard, self.location.clone(), Arc::clone(&self.interrupts))))
    }

    fn interrupt(&self) {
        self.interrupts.interrupt();
    }

    async fn close(&self) -> Result<()> {
        for connection in [&self.reader, &self.writer] {
            let taken = connection.lock().await.take();
            let location = self.location.clone();
            if let Some(connection) = taken {
                run_blocking(move || {
                    connection.close().map_err(|(_, error)| error::statement(&location, "close", &error))
                })
                .await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
