//! What can go wrong with a question and its answer, and what to do about it.

use crate::{output::Format, statement::Refusal};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of this crate. [`hint`](Self::hint) says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A query that the catalogue does not have.
    #[error("there is no query named {name:?}; known are: {}", known.join(", "))]
    UnknownQuery {
        /// The name asked for.
        name: String,
        /// The known name most like it, unless none is like it.
        nearest: Option<String>,
        /// The names that exist, in the order of the catalogue.
        known: Vec<String>,
    },
    /// A query file that asks for a chart that does not exist.
    #[error("the query {name} asks for the chart {chart:?}; there are bar, line and table")]
    UnknownChart {
        /// The query.
        name: String,
        /// What its header says.
        chart: String,
    },
    /// A statement that is not one query.
    #[error(
        "only one query is possible here, beginning with {}: {refusal}",
        crate::statement::QUERY_KEYWORDS.join(", ")
    )]
    NotAQuery {
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// A query file that gives no statement.
    #[error("the SQL of the query {name} cannot be made")]
    Statement {
        /// The query.
        name: String,
        /// What the file lacks.
        #[source]
        source: sparkify_schema::Error,
    },
    /// A query that the warehouse did not answer.
    #[error("the query {name} failed")]
    Query {
        /// The query.
        name: String,
        /// What the warehouse says.
        #[source]
        source: sparkify_warehouse::Error,
    },
    /// The name of a format that does not exist.
    #[error("unknown format {0:?}; the formats are table, json and csv")]
    UnknownFormat(String),
    /// A value that cannot be shown.
    #[error("the column {column:?} of the result cannot be written as {format}")]
    Format {
        /// The format.
        format: Format,
        /// The column.
        column: String,
        /// Which value and why.
        #[source]
        source: arrow_schema::ArrowError,
    },
    /// A result that could not be written to its end.
    #[error("the result cannot be written")]
    Write(#[source] std::io::Error),
}

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownQuery { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            Self::NotAQuery { refusal } => refusal.hint().map(str::to_owned),
            Self::Query { source, .. } => source.hint(),
            Self::Format { .. } => Some("ask for the column as text: CAST(column AS VARCHAR)".to_owned()),
            _ => None,
        }
    }
}
