//! What can go wrong with an engine, and what to do about it.

use std::path::PathBuf;

use crate::{Reject, seam::BoxError};

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
    /// A database file of another version of DuckDB.
    #[error("{} was written by another version of DuckDB: {reason}", path.display())]
    OtherVersion {
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
    /// What does not fit into the memory cannot be put aside.
    #[error("what does not fit into the memory cannot be written to a temporary file: {reason}")]
    TempDirectory {
        /// Why.
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
    /// The address or the settings of a server make no sense.
    #[error("the address of the server cannot be used: {reason}")]
    Options {
        /// What is wrong; never with the password.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The server does not answer.
    #[error("{location} cannot be reached: {reason}")]
    Unreachable {
        /// The database.
        location: String,
        /// Why.
        reason: String,
    },
    /// There is no encrypted connection that is as safe as was asked for.
    #[error("no safe connection to {location}: {reason}")]
    Tls {
        /// The database.
        location: String,
        /// Why.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The server refuses the login.
    #[error("{location} refuses the login: {reason}")]
    Login {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// There is nothing to log in with.
    #[error("there is no login for {location}: {reason}")]
    NoLogin {
        /// The database.
        location: String,
        /// Why; never with the password.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The server has no such database.
    #[error("{location} does not exist: {reason}")]
    NoDatabase {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// The server is too old or set up in a way that does not work.
    #[error("{location} cannot be used: {reason}")]
    UnsuitableServer {
        /// The database.
        location: String,
        /// Why.
        reason: String,
    },
    /// The server, the database or the role is set up in a way that keeps this from being done.
    #[error("{location} is not set up for this: {reason}")]
    Setup {
        /// The database.
        location: String,
        /// What is in the way.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The role may not do this.
    #[error("the role may not do this in {location}: {reason}")]
    NoPrivilege {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// No room on the server's disk.
    #[error("the disk of {location} is full: {reason}")]
    ServerDiskFull {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// The server has not enough memory.
    #[error("{location} is out of memory: {reason}")]
    ServerOutOfMemory {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// The server takes no more connections.
    #[error("{location} takes no more connections: {reason}")]
    TooManyConnections {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// A statement took longer than it may.
    #[error("the statement took too long for {location}: {reason}")]
    StatementTimeout {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// A lock was not given within the time that a setting (`lock_timeout`) allows.
    #[error("a lock in {location} was not given in time: {reason}")]
    LockTimeout {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// This program itself uses all connections that it may have.
    #[error("none of the connections to {location} came free within {} s: {connections} are in use", waited.as_secs_f32())]
    NoFreeConnection {
        /// The database.
        location: String,
        /// How many there may be.
        connections: usize,
        /// How long that was waited for.
        waited: std::time::Duration,
    },
    /// The server is shutting down, starting, or was told to end the connection.
    #[error("{location} ended the connection: {reason}")]
    ServerShutdown {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// Another transaction was in the way.
    #[error("another transaction on {location} was in the way: {reason}")]
    Conflict {
        /// The database.
        location: String,
        /// What the server says.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to {location} was lost: {reason}")]
    ConnectionLost {
        /// The database.
        location: String,
        /// What happened.
        reason: String,
    },
    /// Another process is loading.
    #[error(
        "another load of {location} is under way{}",
        holder.as_ref().map_or_else(String::new, |holder| format!(", by server {holder}"))
    )]
    LoadUnderWay {
        /// The database.
        location: String,
        /// The server process that serves it and the program it calls itself, where they can be seen.
        holder: Option<LockHolder>,
    },
    /// A server of another kind than its address says.
    #[error("{location} is not Amazon Redshift: it is {reason}")]
    NotRedshift {
        /// The database.
        location: String,
        /// What it is.
        reason: String,
    },
    /// A login that this program cannot make.
    #[error(
        "{location} wants a digest (SHA-256) of the password of {user}, a login that this program does not know"
    )]
    DigestLogin {
        /// The database.
        location: String,
        /// The user.
        user: String,
    },
    /// The place in S3 for the files that are to be copied.
    #[error("{url}: {reason}")]
    Staging {
        /// The object or prefix.
        url: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A COPY that failed before it read a record.
    #[error("the COPY into {table} failed: {reason}")]
    Copy {
        /// The table.
        table: String,
        /// What the server says.
        reason: String,
        /// What to do.
        remedy: String,
        /// Whether the same again may succeed.
        again: bool,
    },
    /// Records that do not fit, in files that the engine read itself.
    #[error("the engine refuses {} for {table}", refused(rejects))]
    RecordsRefused {
        /// The table.
        table: String,
        /// The first of them that the engine shows, at least one.
        rejects: Vec<Reject>,
        /// Whether it shows more.
        more: bool,
    },
    /// What was copied is not what was to be copied.
    #[error("what COPY loaded into {table} is not what was written for it: {reason}")]
    Unreconciled {
        /// The table.
        table: String,
        /// The difference.
        reason: String,
    },
    /// Something that the engine cannot do.
    #[error("the engine cannot {0}")]
    Unsupported(&'static str),
    /// Something that must not happen.
    #[error("internal error: {0}")]
    Internal(String),
}

fn refused(rejects: &[Reject]) -> String {
    match rejects {
        [one] => format!("a record ({one})"),
        rejects => {
            let first = rejects.first().map(|first| format!(", the first of them {first}"));
            format!("{} records{}", rejects.len(), first.unwrap_or_default())
        }
    }
}

impl Error {
    /// Whether the same again may succeed, without anything being done about it: the connection was lost
    /// (also by a server that restarts), or another transaction was in the way.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::ConnectionLost { .. }
                | Self::ServerShutdown { .. }
                | Self::Conflict { .. }
                | Self::Copy { again: true, .. }
        )
    }

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
            Self::OtherVersion { path, .. } => format!(
                "export it with the DuckDB that wrote it (duckdb {} -c \"EXPORT DATABASE 'export'\"), and import that with \
                 DuckDB 1.5, or load into a new file: --warehouse duckdb:FILE",
                path.display()
            ),
            Self::Open { .. } => "check that the directory exists and that you may read and write there".to_owned(),
            Self::TempDirectory { .. } => {
                "name a directory that has room and that you may write to, with --temp-dir DIR, or raise --memory-limit"
                    .to_owned()
            }
            Self::ReadOnly => "only queries are possible here".to_owned(),
            Self::DiskFull { .. } => {
                "free some space, name a file on another disk with --warehouse duckdb:FILE, or let temporary files go \
                 elsewhere with --temp-dir DIR, then run again; the last published state is unharmed"
                    .to_owned()
            }
            Self::Options { remedy, .. }
            | Self::Setup { remedy, .. }
            | Self::Tls { remedy, .. }
            | Self::NoLogin { remedy, .. }
            | Self::Staging { remedy, .. }
            | Self::Copy { remedy, .. } => remedy.clone(),
            Self::NotRedshift { .. } => {
                "if it is a PostgreSQL server, say so: --warehouse postgres://USER@HOST:PORT/DATABASE".to_owned()
            }
            Self::DigestLogin { user, .. } => format!(
                "use temporary credentials of IAM, or store the password as an MD5 digest: as an administrator, ALTER USER \
                 \"{user}\" PASSWORD 'md5…' with the MD5 of the password followed by the user name"
            ),
            Self::RecordsRefused { rejects, .. } => rejects.first()?.remedy().to_owned(),
            Self::Unreconciled { .. } => {
                "nothing was published; run again, and see that nobody else writes where the files are".to_owned()
            }
            Self::Login { location, .. } if location.starts_with("redshift://") => {
                "check the user name and the password (in the URL, PGPASSWORD, or a .pgpass file of mode 0600), or get \
                 new temporary credentials; Redshift locks a user after five wrong passwords, until an administrator \
                 says ALTER USER … LOGIN PASSWORD '…'"
                    .to_owned()
            }
            Self::Unreachable { location, .. } if location.starts_with("redshift://") => {
                "check the host and the port (5439), that the cluster is available and publicly accessible or reached \
                 through a tunnel, and that its security group lets this machine in"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "check that the server runs, its host and port, and that no firewall is in between".to_owned()
            }
            Self::Login { .. } => "check the user name and the password (in the URL, PGPASSWORD, or a .pgpass file of \
                                   mode 0600), and that the server's pg_hba.conf lets this user in from here"
                .to_owned(),
            Self::NoDatabase { location, .. } if location.starts_with("redshift://") => {
                "create it first (CREATE DATABASE name), or name another in the URL or with PGDATABASE".to_owned()
            }
            Self::NoDatabase { .. } => {
                "create it first (`createdb NAME`), or name another in the URL or with PGDATABASE".to_owned()
            }
            Self::UnsuitableServer { .. } => "use PostgreSQL 15 or newer and a database with the encoding UTF8".to_owned(),
            Self::NoPrivilege { .. } => "let the role create and write tables (GRANT CREATE ON SCHEMA … TO …), or log in \
                                         as the owner of the tables; `explore` needs SELECT only"
                .to_owned(),
            Self::ServerDiskFull { location, .. } if location.starts_with("redshift://") => {
                "drop or unload what is not needed, or resize the cluster, then run again; the last published state is \
                 unharmed"
                    .to_owned()
            }
            Self::ServerDiskFull { .. } => {
                "free some space on the server, then run again; the last published state is unharmed".to_owned()
            }
            Self::ServerOutOfMemory { .. } => {
                "lower work_mem or the number of connections, or give the server more memory, then run again".to_owned()
            }
            Self::TooManyConnections { location, .. } if location.starts_with("redshift://") => {
                "end sessions that are idle (SELECT pg_terminate_backend(process) for those of stv_sessions), or raise the \
                 limit of the user or the database (ALTER USER … CONNECTION LIMIT …); a load takes up to five connections"
                    .to_owned()
            }
            Self::TooManyConnections { reason, .. } if reason.contains("for role") => {
                "raise the limit of the role (ALTER ROLE … CONNECTION LIMIT …), or use fewer with --connections: a load takes \
                 two more than that"
                    .to_owned()
            }
            Self::TooManyConnections { reason, .. } if reason.contains("for database") => {
                "raise the limit of the database (ALTER DATABASE … CONNECTION LIMIT …), or use fewer with --connections: a \
                 load takes two more than that"
                    .to_owned()
            }
            Self::TooManyConnections { .. } => {
                "use fewer with --connections, end idle ones, or raise max_connections on the server".to_owned()
            }
            Self::StatementTimeout { .. } => {
                "raise statement_timeout (in seconds in the URL: ?statement_timeout=600), or that of the role".to_owned()
            }
            Self::LockTimeout { .. } => {
                "end the session that holds the lock (pg_locks and pg_stat_activity name it), or raise lock_timeout, \
                 then run again; the last published state is unharmed"
                    .to_owned()
            }
            Self::NoFreeConnection { .. } => {
                "run fewer queries at once, or end those that take so long".to_owned()
            }
            Self::ServerShutdown { .. } => {
                "run again once the server is up; the last published state is unharmed".to_owned()
            }
            Self::Conflict { .. } | Self::ConnectionLost { .. } => {
                "run again; the last published state is unharmed".to_owned()
            }
            Self::LoadUnderWay { .. } => {
                "wait until it is done (--wait 60s does so); one load at a time can be under way".to_owned()
            }
            Self::OutOfMemory { .. } => "raise the limit with --memory-limit, for instance --memory-limit 2GB".to_owned(),
            Self::Interrupted
            | Self::Statement { .. }
            | Self::Source(_)
            | Self::Closed
            | Self::Unsupported(_)
            | Self::Internal(_) => return None,
        })
    }
}
