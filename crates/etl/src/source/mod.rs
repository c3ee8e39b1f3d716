//! Where files come from.

mod local;

use std::{fmt::Debug, io::Read, sync::Arc};

use async_trait::async_trait;
pub use local::LocalDirectory;

use crate::{
    error::{SourceError, SourceProblem},
    record::JsonPaths,
};

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Events of the log.
    Events,
    /// Song metadata.
    Songs,
}

impl FileKind {
    /// Its name in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Songs => "songs",
        }
    }
}

/// How a file is compressed, by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member or more.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The compression of a data file of that name; `None` if it is no data file.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let (stem, compression) = match name {
            _ if name.ends_with(".gz") => (&name[..name.len() - 3], Self::Gzip),
            _ if name.ends_with(".zst") => (&name[..name.len() - 4], Self::Zstd),
            _ => (name, Self::None),
        };
        [".json", ".jsonl", ".ndjson"].iter().any(|ending| stem.ends_with(ending)).then_some(compression)
    }
}

/// A file of the source, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Absolute path or URL: its identity in the ledger.
    pub path: String,
    /// What is in it.
    pub kind: FileKind,
    /// How it is compressed.
    pub compression: Compression,
    /// Its size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970, if it can be relied on to tell a change.
    pub modified_ns: Option<i64>,
}

/// The content of a file, as stored.
pub type Content = Box<dyn Read + Send>;

/// The files that a load reads, opened one after the other.
///
/// # Contract
///
/// [`next`](Self::next) may be called by several threads at once; each file is handed out once, with its
/// index in the list that the feed was made from, in about that order. An implementation with a slow
/// source reads ahead.
pub trait FileFeed: Debug + Send + Sync {
    /// The next file, opened; `None` at the end.
    fn next(&self) -> Option<(usize, Result<Content, SourceError>)>;
}

/// A place that has log and song files.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// Where it is, for messages and the ledger; never with a secret.
    fn location(&self) -> String;

    /// All data files, sorted by path.
    ///
    /// # Errors
    ///
    /// When something cannot be listed, or when there is no data file at all.
    async fn list(&self) -> Result<Vec<SourceFile>, SourceError>;

    /// The JSONPaths file, if there is one.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be used.
    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError>;

    /// Opens the files of a list.
    fn feed(&self, files: Arc<[SourceFile]>) -> Arc<dyn FileFeed>;
}

/// The problem of a source without data files.
pub(crate) fn empty(location: String) -> SourceError {
    SourceError::new(location, SourceProblem::Empty)
}
