//! What can go wrong with writing a sample.

use std::io;
use std::path::{Path, PathBuf};

/// The error of [`Sample::write`](crate::Sample::write).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is something at the directory's path already; it was not touched.
    #[error("{} exists already", path.display())]
    Exists {
        /// The directory asked for.
        path: PathBuf,
    },
    /// The path ends in no name that a directory could get, as `..` or the empty path.
    #[error("{path:?} does not name a directory to make")]
    Unnamed {
        /// The directory asked for.
        path: PathBuf,
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
}

impl Error {
    /// For `map_err`: the error of an `action` on a `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
