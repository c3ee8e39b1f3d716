//! What can go wrong while SQL text is made.

/// The error of this crate: an input that cannot become safe SQL text, or a faulty SQL file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An identifier that the dialect cannot hold.
    #[error("{identifier:?} cannot be an identifier in {dialect}: {reason}")]
    Identifier {
        /// The text as given.
        identifier: String,
        /// The dialect that refuses it.
        dialect: crate::Dialect,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A literal that no dialect can hold.
    #[error("a text with a NUL character cannot be an SQL literal")]
    LiteralWithNul,
    /// The name of a dialect that does not exist.
    #[error("unknown dialect {0:?}; the dialects are duckdb, postgres and redshift")]
    UnknownDialect(String),
    /// A statement that is in no SQL file.
    #[error("there is no SQL statement named {name:?}; known are: {known}")]
    UnknownStatement {
        /// The name asked for.
        name: String,
        /// The names that exist, comma-separated.
        known: String,
    },
    /// A table that the model does not have.
    #[error("there is no table named {0:?} in the model")]
    UnknownTable(String),
    /// A template that does not render.
    #[error("the SQL file {name} does not render for {dialect}")]
    Render {
        /// The statement's name.
        name: String,
        /// The dialect it was rendered for.
        dialect: crate::Dialect,
        /// What the template engine says.
        #[source]
        source: minijinja::Error,
    },
    /// An SQL file without the header that names and describes it.
    #[error("the SQL file {name} is faulty: {reason}")]
    Header {
        /// The file's name below `sql/`.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// An SQL file with the name of a statement that it must not replace.
    #[error(
        "the SQL file {path} cannot have the name {name}, which is that of {other}: a file replaces one of its own \
         folder only, and adds names that no other file has"
    )]
    NameTaken {
        /// The file's path below the override directory.
        path: String,
        /// Its name.
        name: String,
        /// The file that has the name.
        other: String,
    },
    /// An override directory or a file in it that cannot be read.
    #[error("the SQL directory {} cannot be read", path.display())]
    Directory {
        /// The directory or file.
        path: std::path::PathBuf,
        /// The operating system's reason.
        #[source]
        source: std::io::Error,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
