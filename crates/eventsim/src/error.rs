//! What can go wrong with making a data set.

use std::io;
use std::path::{Path, PathBuf};

/// The error of [`generate`](crate::generate()) and of [`Sample::write`](crate::Sample::write).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is something at the directory's path already; it was not touched.
    #[error("{} exists already", path.display())]
    Exists {
        /// The directory asked for.
        path: PathBuf,
    },
    /// There is data that no earlier run made; it was not touched.
    #[error("{location} has data that was not generated ({example})")]
    Foreign {
        /// The directory or URL asked for.
        location: String,
        /// One of the things that are there.
        example: String,
    },
    /// The path ends in no name that a directory could get, as `..` or the empty path.
    #[error("{path:?} does not name a directory to make")]
    Unnamed {
        /// The directory asked for.
        path: PathBuf,
    },
    /// A setting has a value that makes no sense.
    #[error("{setting} {problem}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or directory cannot be made.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `write`, `create`, `rename`.
        action: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Data cannot be compressed.
    #[error("the data cannot be compressed")]
    Compress(#[source] io::Error),
    /// The threads cannot be started.
    #[error("the threads cannot be started")]
    Threads(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A place other than a directory cannot be written.
    #[error("cannot {action} {location}")]
    Sink {
        /// What was tried.
        action: &'static str,
        /// With what.
        location: String,
        /// What the place says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was stopped on request.
    #[error("stopped on request; nothing was written")]
    Cancelled,
}

impl Error {
    /// For `map_err`: the error of an `action` on a `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Exists { .. } => "name a directory that does not exist".to_owned(),
            Self::Foreign { .. } => {
                "name another place, or replace log_data, song_data, log_json_path.json and \
                                     answers.json there with --force; other files stay"
                    .to_owned()
            }
            Self::Unnamed { .. } => "name a directory, such as ./sample".to_owned(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room, or ask for fewer events or for compressed files (an event takes about 470 bytes, \
                 compressed about 30)"
                    .to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "name a place that you may write to".to_owned()
            }
            _ => return None,
        })
    }
}
