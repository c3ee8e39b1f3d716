//! What can go wrong with an engine, and what to do about it.

use std::path::PathBuf;

use crate::seam::BoxError;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The process that holds a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Its process id.
    pub pid: u32,
    /// Its program, where it could be found out.
    pub program: Option<String>,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.program {
            Some(program) => write!(f, "process {} ({program})", self.pid),
            None => write!(f, "process {}", self.pid),
        }
    }
}

/// The error of a warehouse. [`hint`](Self::hint) says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has the database file open.
    #[error(
        "the database {} is in use by {}",
        path.display(),
        holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who holds it, where the engine says so.
        holder: Option<LockHolder>,
    },
    /// A file that is not a database.
    #[error("{} is not a DuckDB database: {reason}", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// There is no database to read.
    #[error("there is no database at {}", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error("the database {} cannot be opened: {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// A write over a read-only connection.
    #[error("the statement was refused: the database is open for reading only")]
    ReadOnly,
    /// No room on the disk.
    #[error("there is no space left on the disk that holds {location}: {reason}")]
    DiskFull {
        /// The database.
        location: String,
        /// What the engine says.
        reason: String,
    },
    /// The statement needs more memory than it may use.
    #[error("the memory limit was reached: {reason}")]
    OutOfMemory {
        /// What the engine says.
        reason: String,
    },
    /// The statement was ended on request.
    #[error("the statement was interrupted")]
    Interrupted,
    /// The engine refuses a statement.
    #[error("the engine refused the statement: {reason}")]
    Statement {
        /// What the engine says.
        reason: String,
        /// The statement.
        sql: String,
    },
    /// The source of an append failed.
    #[error("the data to append could not be read")]
    Source(#[source] BoxError),
    /// The connection was closed.
    #[error("the database is closed")]
    Closed,
    /// Something that must not happen.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Locked { holder: Some(holder), .. } => format!(
                "wait until process {} ends (--wait 60s does so), or end it; DuckDB lets one process write at a time",
                holder.pid
            ),
            Self::Locked { holder: None, .. } => {
                "wait until the other process ends (--wait 60s does so); DuckDB lets one process write at a time"
                    .to_owned()
            }
            Self::NotADatabase { path, .. } => format!(
                "name another file with --warehouse duckdb:FILE, or move {} away if it is yours to move",
                path.display()
            ),
            Self::NotFound { .. } => {
                "create and load it first with `sparkify-cli run`, or name another with --warehouse duckdb:FILE"
                    .to_owned()
            }
            Self::Open { .. } => "check that the directory exists and that you may write to it".to_owned(),
            Self::ReadOnly => "only queries are possible here".to_owned(),
            Self::DiskFull { .. } => {
                "free some space or name a file on another disk with --warehouse duckdb:FILE, then run again; \
                 the last published state is unharmed"
                    .to_owned()
            }
            Self::OutOfMemory { .. } => "raise the limit with --memory-limit, for instance --memory-limit 2GB".to_owned(),
            Self::Interrupted | Self::Statement { .. } | Self::Source(_) | Self::Closed | Self::Internal(_) => {
                return None;
            }
        })
    }
}
