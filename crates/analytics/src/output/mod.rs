//! The rows of an answer as text: for people, for programs, for spreadsheets.
//!
//! Dates and timestamps are ISO 8601 text in every format. NULL is the word `NULL` in a table, `null`
//! in JSON and an empty field in CSV.

mod csv;
mod json;
mod table;

use std::{fmt, io::Write, str::FromStr};

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use sparkify_warehouse::RecordSet;

pub use json::to_json_value;

use crate::{Error, Result};

/// A way to write a [`RecordSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Aligned columns under a header, for people.
    #[default]
    Table,
    /// An array with one object a row.
    Json,
    /// A header and one record a row, quoted as RFC 4180 says. Lines end with a line feed alone, as the
    /// programs of a Unix shell expect.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Table, Self::Json, Self::Csv];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| Error::UnknownFormat(name.to_owned()))
    }
}

/// Writes the rows, and the names of the columns even if there is no row.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use sparkify_warehouse::{Warehouse, duckdb::{DuckDbOptions, DuckDbWarehouse}};
/// # let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory())?;
/// use sparkify_analytics::output::{self, Format};
///
/// let records = warehouse.query("SELECT 'Undo' AS song, 28 AS plays").await?;
/// let mut text = Vec::new();
/// output::write(Format::Table, &records, &mut text)?;
/// assert_eq!(String::from_utf8(text)?, "song  plays\n----  -----\nUndo     28\n");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Write`] when `out` fails, [`Error::Format`] for a value that the format cannot hold.
pub fn write(format: Format, records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    match format {
        Format::Table => table::write(records, out),
        Format::Json => json::write(records, out),
        Format::Csv => csv::write(records, out),
    }
    .and_then(|()| out.flush().map_err(Error::Write))
}

/// One formatter for each column. NULL becomes the text `null`.
fn formatters<'a>(batch: &'a RecordBatch, null: &'a str, format: Format) -> Result<Vec<ArrayFormatter<'a>>> {
    let options = FormatOptions::default().with_null(null);
    let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    formatters.collect::<Result<_, _>>().map_err(|source| failed(format, source))
}

fn failed(format: Format, source: ArrowError) -> Error {
    match source {
        // The writer's own error, so that a closed pipe can be told from a fault.
        ArrowError::IoError(_, source) => Error::Write(source),
        source => Error::Format { format, source },
    }
}

#[cfg(test)]
mod tests;
