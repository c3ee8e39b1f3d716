//! The rows of an answer as text: for people, for programs, for spreadsheets.
//!
//! Every format shows a value as the engine has it, or is an error. Dates and timestamps are ISO 8601 text, those with
//! a zone in UTC; years of other than four digits have a sign, and infinite times are `infinity` and `-infinity`.
//! NULL is the word `NULL` in a table, `null` in JSON and an empty field in CSV.

mod csv;
mod json;
mod table;

use std::{fmt, io::Write, str::FromStr};

use arrow_array::RecordBatch;
use sparkify_warehouse::{RecordSet, Value, Values};

pub use json::to_json;

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
/// [`Error::Write`] when `out` fails, [`Error::Format`] for a value that cannot be shown.
pub fn write(format: Format, records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    match format {
        Format::Table => table::write(records, out),
        Format::Json => json::write(records, out),
        Format::Csv => csv::write(records, false, out),
    }
    .and_then(|()| out.flush().map_err(Error::Write))
}

/// What stands at the beginning of a file of CSV for spreadsheets: without it, some take the text for another encoding.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Writes the rows as CSV for spreadsheets, which run a text that looks like a formula: such a text, also as the name of
/// a column, gets an apostrophe in front. The file should begin with [`BYTE_ORDER_MARK`].
///
/// # Errors
///
/// As [`write()`].
pub fn write_for_spreadsheets(records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    csv::write(records, true, out).and_then(|()| out.flush().map_err(Error::Write))
}

/// The rows of a batch.
fn cells(batch: &RecordBatch, format: Format) -> Result<impl Iterator<Item = Result<Vec<Value>>>> {
    let columns = values(batch, format)?;
    Ok((0..batch.num_rows()).map(move |row| {
        let cells = columns.iter().map(|(name, values)| {
            values.get(row).map_err(|source| Error::Format { format, column: (*name).to_owned(), source })
        });
        cells.collect()
    }))
}

fn values(batch: &RecordBatch, format: Format) -> Result<Vec<(&str, Values<'_>)>> {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, column)| {
        let values = Values::new(field, column.as_ref());
        let values =
            values.map_err(|source| Error::Format { format, column: field.name().clone(), source })?;
        Ok((field.name().as_str(), values))
    });
    columns.collect()
}

#[cfg(test)]
mod tests;
