//! What can go wrong with a load.

use sparkify_warehouse::BoxError;

use crate::record::Reject;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a file or directory of the source.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct SourceError {
    /// The file or directory.
    pub path: String,
    /// What is wrong with it.
    pub problem: SourceProblem,
    /// What to do about it, where the place of the file knows better than the kind of problem.
    pub advice: Option<String>,
    /// The reason of the operating system or the store, where there is one.
    #[source]
    pub source: Option<BoxError>,
}

/// The kinds of problems with a file or directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceProblem {
    /// It is not there.
    #[error("there is no such file or directory")]
    NotFound,
    /// It may not be read.
    #[error("permission denied")]
    PermissionDenied,
    /// The source is no directory.
    #[error("it is not a directory")]
    NotADirectory,
    /// There is nothing to load.
    #[error(
        "there are no data files in it (looked for log_data/**/*.json and song_data/**/*.json, also .gz and .zst)"
    )]
    Empty,
    /// There is nothing to load in a part of it.
    #[error("there are no data files in it (*.json, *.jsonl or *.ndjson, also .gz and .zst)")]
    NoDataFiles,
    /// A compressed file that breaks off.
    #[error("the {0} stream breaks off: the file is cut short")]
    Truncated(&'static str),
    /// A compressed file that is damaged.
    #[error("it is not a valid {0} file")]
    Corrupt(&'static str),
    /// The JSONPaths file cannot be used.
    #[error("the JSONPaths file cannot be used: {0}")]
    JsonPaths(String),
    /// It cannot be read for another reason.
    #[error("it cannot be read")]
    Unreadable,
    /// It is another one than when it was listed.
    #[error("it changed while it was read")]
    Changed,
    /// It was there when it was listed.
    #[error("it was deleted after it had been listed")]
    Deleted,
    /// What the store of objects says, in words.
    #[error("{0}")]
    Store(String),
    /// The load was stopped.
    #[error("reading it was stopped")]
    Stopped,
}

impl SourceError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        if let Some(advice) = &self.advice {
            return advice;
        }
        match self.problem {
            SourceProblem::NotFound | SourceProblem::NotADirectory => {
                "check the path given with --source; it is the directory that has log_data/ and song_data/ in it"
            }
            SourceProblem::PermissionDenied => "allow the user who runs this to read it (chmod, chown)",
            SourceProblem::Empty => {
                "name the directory that has log_data/ and song_data/ in it with --source, or try a sample: \
                 `sparkify-cli run` in an empty directory makes one"
            }
            SourceProblem::NoDataFiles => "check the place given with --log-data or --song-data",
            SourceProblem::Truncated(_) | SourceProblem::Corrupt(_) => {
                "deliver the file again (compare its size with the original), then run again"
            }
            SourceProblem::JsonPaths(_) => {
                "correct the file, or remove it to use the standard names of the fields"
            }
            SourceProblem::Unreadable => "check the disk and the file, then run again",
            SourceProblem::Changed | SourceProblem::Deleted => {
                "nothing was loaded; run again when whoever writes the files has finished"
            }
            SourceProblem::Store(_) | SourceProblem::Stopped => "run again",
        }
    }

    pub(crate) fn new(path: impl Into<String>, problem: SourceProblem) -> Self {
        Self { path: path.into(), problem, advice: None, source: None }
    }

    pub(crate) fn io(path: impl Into<String>, error: std::io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return error,
            Err(error) => error,
        };
        let problem = match error.kind() {
            std::io::ErrorKind::NotFound => SourceProblem::NotFound,
            std::io::ErrorKind::PermissionDenied => SourceProblem::PermissionDenied,
            _ => SourceProblem::Unreadable,
        };
        Self { path: path.into(), problem, advice: None, source: Some(Box::new(error)) }
    }
}

/// The error of a load. Whatever it is, the permanent tables are as they were before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory of the source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The engine.
    #[error("{action} failed")]
    Warehouse {
        /// What was being done.
        action: String,
        /// What the engine says.
        #[source]
        source: sparkify_warehouse::Error,
    },
    /// An SQL file.
    #[error(transparent)]
    Sql(#[from] sparkify_schema::Error),
    /// More bad records than are allowed.
    #[error("{}", bad_records(*count, *more, *allowed))]
    BadRecords {
        /// The first of them, by file and line.
        rejects: Vec<Reject>,
        /// How many were found.
        count: u64,
        /// Whether reading stopped before all files were read, so that there may be more.
        more: bool,
        /// How many are allowed.
        allowed: u64,
    },
    /// Quality checks that failed.
    #[error("{} of the quality checks failed: {}", failed.len(), failed.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "))]
    Quality {
        /// The failed checks.
        failed: Vec<crate::quality::CheckResult>,
    },
    /// Tables that are not there.
    #[error("the database has no table {}", names.join(", "))]
    MissingTables {
        /// Their names.
        names: Vec<String>,
    },
    /// Tables with names of the model that this program has not made.
    #[error("there are tables here that this program has not made: {}; nothing was changed", names.join(", "))]
    ForeignTables {
        /// Their names.
        names: Vec<String>,
    },
    /// Tables that have other columns than the model.
    #[error("the tables of this database are not those of this version: {}", differences.join("; "))]
    Drift {
        /// Each difference in words.
        differences: Vec<String>,
    },
    /// The engine is to read the files itself and cannot.
    #[error("the files cannot be left to the database: {reason}")]
    NotDirect {
        /// Why.
        reason: String,
    },
    /// The counts do not add up: a fault of this program.
    #[error("the counts do not add up: {0}; nothing was published")]
    Unreconciled(String),
    /// A load that lost its connection, or was in the way of another transaction, too often.
    #[error("the load was tried {attempts} times; the last attempt failed")]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// The error of the last attempt.
        #[source]
        source: Box<Error>,
    },
    /// The user stopped it.
    #[error("stopped on request")]
    Cancelled,
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

fn bad_records(count: u64, more: bool, allowed: u64) -> String {
    let at_least = if more { "at least " } else { "" };
    let (noun, verb) = if count == 1 { ("record", "is") } else { ("records", "are") };
    match allowed {
        0 => format!("{at_least}{count} bad {noun}; nothing was loaded"),
        _ => format!("{at_least}{count} bad {noun}, and {allowed} {verb} allowed; nothing was loaded"),
    }
}

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => Some(error.remedy().to_owned()),
            Self::Warehouse { source, .. } => source.hint(),
            Self::BadRecords { rejects, .. } if rejects.iter().any(|reject| reject.engine.is_some()) => Some(
                "correct the files; the database stops at the first bad record, so there may be others: --pack always \
                 finds all of them, and sets them aside with --max-errors"
                    .to_owned(),
            ),
            Self::BadRecords { count, .. } => Some(format!(
                "correct the files, or set bad records aside in the table load_errors with --max-errors {count}"
            )),
            Self::Quality { .. } => {
                Some("nothing was published; `sparkify-cli sql NAME` prints the SQL of a check".to_owned())
            }
            Self::MissingTables { .. } => Some(
                "create the tables first with `sparkify-cli create-tables`, or use `sparkify-cli run`, which does so"
                    .to_owned(),
            ),
            Self::ForeignTables { .. } => Some(
                "keep the tables of this program apart from them, in another database (on PostgreSQL, a schema of their own \
                 that comes first in the search_path will do)"
                    .to_owned(),
            ),
            Self::Drift { .. } => Some(
                "make them anew with `sparkify-cli create-tables --drop` (this deletes their rows), then load again"
                    .to_owned(),
            ),
            Self::GaveUp { source, .. } => source.hint(),
            Self::NotDirect { .. } => {
                Some("use --pack auto or --pack always, which read the files here".to_owned())
            }
            Self::Sql(_) | Self::Unreconciled(_) | Self::Cancelled | Self::Internal(_) => None,
        }
    }

    /// Whether the data is to blame, not the surroundings.
    #[must_use]
    pub const fn is_data_error(&self) -> bool {
        match self {
            Self::BadRecords { .. } | Self::Quality { .. } => true,
            Self::Source(error) => matches!(
                error.problem,
                SourceProblem::Truncated(_) | SourceProblem::Corrupt(_) | SourceProblem::JsonPaths(_)
            ),
            _ => false,
        }
    }
}

impl Error {
    /// An engine's error, with the action that it interrupted.
    pub(crate) fn from_warehouse(action: impl Into<String>, source: sparkify_warehouse::Error) -> Self {
        match source {
            sparkify_warehouse::Error::Interrupted => Self::Cancelled,
            source => Self::Warehouse { action: action.into(), source },
        }
    }
}

/// Names the action that an engine's error interrupted.
pub(crate) trait During<T> {
    fn during(self, action: impl Into<String>) -> Result<T>;
}

impl<T> During<T> for sparkify_warehouse::Result<T> {
    fn during(self, action: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::from_warehouse(action, source))
    }
}
