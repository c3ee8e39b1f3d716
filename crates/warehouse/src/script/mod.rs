//! What an engine sends of its own accord while tables are created and a load runs: connections, locks, COPY,
//! transactions, statistics.
//!
//! The plan of a load names the [`Point`]s; [`contributed`] lists what an engine does there, without a connection, so
//! that it can be read before anything runs.

mod redshift;

pub use self::redshift::column_list;

use std::time::Duration;

use sparkify_schema::{
    Dialect, Result,
    sql::{SqlLibrary, Value, context},
    statements,
};

/// A point at which an engine acts of its own accord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A connection is opened.
    Connect,
    /// Tables are about to be created.
    BeginCreating,
    /// Tables have been created.
    EndCreating,
    /// A load begins: nobody else may load from now on.
    Begin,
    /// Run-private tables are about to be created.
    BeginPreparing,
    /// They have been.
    EndPreparing,
    /// A run-private table is filled on a connection of its own.
    Fill(&'static str),
    /// A run-private table is filled within the transaction that publishes.
    FillPublishing(&'static str),
    /// The transaction that publishes begins.
    Publish,
    /// It ends, and with it the load.
    Commit,
}

/// Which connection a statement is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptConnection {
    /// Every one, when it begins.
    Each,
    /// The one that loads.
    Load,
    /// The one that holds the lock of the load.
    Lock,
    /// One of those that copy files into tables.
    Copy,
}

impl ScriptConnection {
    /// What it is called in comments; nothing for the usual one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Each => Some("each connection"),
            Self::Load => None,
            Self::Lock => Some("the connection with the lock"),
            Self::Copy => Some("a connection of its own"),
        }
    }
}

/// A part of what an engine contributes, or of the whole script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptPart {
    /// A statement.
    Statement {
        /// What it is for, and when it is sent if that is not always.
        comment: String,
        /// Its text, without a semicolon.
        sql: String,
        /// Where it is sent.
        connection: ScriptConnection,
        /// Whether the engine sends it of its own accord.
        by_engine: bool,
    },
    /// Something that happens without a statement.
    Note(String),
}

/// What is known beforehand of a load into Redshift. What is not, and belongs into statements, has a placeholder.
#[derive(Debug, Clone, Default)]
pub struct RedshiftScript {
    /// The name of the database.
    pub database: Option<String>,
    /// How long a statement may take; without it, no limit is set.
    pub statement_timeout: Option<Duration>,
    /// The query group; without it, none is set.
    pub query_group: Option<String>,
    /// How long another load is waited for.
    pub wait: Duration,
    /// Where the files go, as `s3://BUCKET/PREFIX`.
    pub stage: Option<String>,
    /// The role that reads them.
    pub role: Option<String>,
    /// The region of that bucket.
    pub region: Option<String>,
}

/// What the engine of that dialect does at a point.
///
/// # Errors
///
/// [`sparkify_schema::Error`] when a statement cannot be rendered.
pub fn contributed(
    library: &SqlLibrary,
    dialect: Dialect,
    point: Point,
    options: &RedshiftScript,
) -> Result<Vec<ScriptPart>> {
    let mut script = Script { library, options, connection: ScriptConnection::Load, parts: Vec::new() };
    match (dialect, point) {
        (Dialect::Redshift, point) => script.redshift(point)?,
        (_, Point::BeginCreating | Point::BeginPreparing) => script.add("all of it or nothing", "BEGIN"),
        (_, Point::EndCreating | Point::EndPreparing) => script.add("all of it or nothing", "COMMIT"),
        (Dialect::Postgres, Point::Begin) => {
            script.add("keeps other loads away until the end", statements::postgres::lock_load());
        }
        (Dialect::DuckDb, Point::Begin) => script.note("here the load makes sure that it is the only one"),
        (Dialect::Postgres, Point::Fill(table)) => {
            script.add("for the planner (when rows were written)", statements::postgres::analyze(table));
        }
        (_, Point::Publish) => {
            script.add("from here on nothing is visible to others before the end", "BEGIN");
        }
        (_, Point::Commit) => {
            script.add("all of it becomes visible at once", "COMMIT");
            if dialect == Dialect::Postgres {
                script.add("lets the next load begin", statements::postgres::unlock_load());
            }
        }
        (_, Point::Connect | Point::Fill(_) | Point::FillPublishing(_)) => {}
    }
    Ok(script.parts)
}

/// Parameters of the statements about COPY: what is known, and placeholders such as `<role>` for the rest.
#[must_use]
pub fn copy_placeholders(options: &RedshiftScript) -> Value {
    let known =
        |value: &Option<String>, placeholder: &str| value.clone().unwrap_or_else(|| placeholder.to_owned());
    let stage = known(&options.stage, "s3://<bucket>/<prefix>");
    let folder = format!("{}/<database id>/<load>/<table>", stage.trim_end_matches('/'));
    let role = known(&options.role, "<role>");
    context! {
        manifest => format!("{folder}/manifest-<sha256>.json"),
        json_paths => format!("{folder}/jsonpaths.json"),
        region => known(&options.region, "<region>"),
        role => if role.eq_ignore_ascii_case("default") { "default".to_owned() } else { role },
        compression => "GZIP",
        query_id => "<query>",
        session_id => "<session>",
        since => "<time>",
    }
}

struct Script<'a> {
    library: &'a SqlLibrary,
    options: &'a RedshiftScript,
    /// Where the next statements are sent.
    connection: ScriptConnection,
    parts: Vec<ScriptPart>,
}

impl Script<'_> {
    fn add(&mut self, comment: impl Into<String>, sql: impl Into<String>) {
        self.parts.push(ScriptPart::Statement {
            comment: comment.into(),
            sql: sql.into(),
            connection: self.connection,
            by_engine: true,
        });
    }

    fn note(&mut self, note: &str) {
        self.parts.push(ScriptPart::Note(note.to_owned()));
    }
}
