//! Where files come from.

mod local;
#[cfg(feature = "s3")]
mod s3;

use std::{fmt::Debug, io::Read, sync::Arc};

use async_trait::async_trait;
pub use local::LocalDirectory;
#[cfg(feature = "s3")]
pub use s3::S3Source;

use crate::{
    Cancel,
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
    /// What stands for its content without reading it, with the name of its kind, if the source knows:
    /// two versions with the same one are equal.
    pub content_tag: Option<String>,
}

/// The kind of content tags that are entity tags of S3.
const ETAG: &str = "etag:";

impl SourceFile {
    /// Its entity tag, if it is an object of S3.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.content_tag.as_deref()?.strip_prefix(ETAG)
    }
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

    /// The region of S3 that the files are in, if that is where they are: then an engine may read them by their
    /// paths itself.
    fn region(&self) -> Option<String> {
        None
    }

    /// The JSONPaths file, if there is one.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be used.
    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError>;

    /// Opens the files of a list. When the load is cancelled, whoever waits for a file or for a part of one
    /// gets an error at once.
    fn feed(&self, files: Arc<[SourceFile]>, cancel: &Cancel) -> Arc<dyn FileFeed>;
}

/// The folder or prefix of the event files, below the root of a source.
pub const LOG_DATA: &str = "log_data";
/// The folder or prefix of the song files.
pub const SONG_DATA: &str = "song_data";
/// The JSONPaths file.
pub const LOG_JSON_PATH: &str = "log_json_path.json";

/// A part of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<P> {
    /// Where it is.
    pub at: P,
    /// Whether the user named it, so that it must be there.
    pub named: bool,
}

/// Where the parts of a source are: directories or prefixes, and a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places<P> {
    /// What the parts have in common, if the user named it.
    pub root: Option<P>,
    /// Events.
    pub log_data: Option<Place<P>>,
    /// Song metadata.
    pub song_data: Option<Place<P>>,
    /// The JSONPaths file.
    pub json_paths: Option<Place<P>>,
}

impl<P> Places<P> {
    /// The usual places below a root.
    pub fn below(root: P, join: impl Fn(&P, &str) -> P) -> Self {
        let place = |name| Some(Place { at: join(&root, name), named: false });
        let (log_data, song_data, json_paths) = (place(LOG_DATA), place(SONG_DATA), place(LOG_JSON_PATH));
        Self { root: Some(root), log_data, song_data, json_paths }
    }

    /// The same with the places that the user named instead of the usual ones.
    #[must_use]
    pub fn with_named(mut self, log_data: Option<P>, song_data: Option<P>, json_paths: Option<P>) -> Self {
        for (place, named) in [
            (&mut self.log_data, log_data),
            (&mut self.song_data, song_data),
            (&mut self.json_paths, json_paths),
        ] {
            if let Some(at) = named {
                *place = Some(Place { at, named: true });
            }
        }
        self
    }

    /// The root, or else the parts with data.
    fn location(&self, shown: impl Fn(&P) -> String) -> String {
        match &self.root {
            Some(root) => shown(root),
            None => self.data().map(|(place, _)| shown(&place.at)).collect::<Vec<_>>().join(" and "),
        }
    }

    /// The places with data, and what is in them.
    fn data(&self) -> impl Iterator<Item = (&Place<P>, FileKind)> {
        [(&self.log_data, FileKind::Events), (&self.song_data, FileKind::Songs)]
            .into_iter()
            .filter_map(|(place, kind)| Some((place.as_ref()?, kind)))
    }
}

impl<P> Default for Places<P> {
    fn default() -> Self {
        Self { root: None, log_data: None, song_data: None, json_paths: None }
    }
}

/// The problem of a source without data files.
pub(crate) fn empty(location: String) -> SourceError {
    SourceError::new(location, SourceProblem::Empty)
}
