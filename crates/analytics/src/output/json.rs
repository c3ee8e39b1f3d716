//! JSON.

use std::{collections::HashSet, io::Write, sync::Arc};

use arrow_array::RecordBatch;
use arrow_json::writer::{JsonFormat, Writer, WriterBuilder};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use serde_json::Value;
use sparkify_warehouse::RecordSet;

use super::{Format, failed};
use crate::{Error, Result};

/// An array with one object a line: valid JSON that line tools can still read.
#[derive(Debug, Default)]
struct RowPerLine;

impl JsonFormat for RowPerLine {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"\n]\n")?)
    }
}

pub(super) fn write(records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    if records.row_count() == 0 {
        return out.write_all(b"[]\n").map_err(Error::Write);
    }
    let schema = distinct_names(&records.schema());
    let mut writer: Writer<_, RowPerLine> = WriterBuilder::new().with_explicit_nulls(true).build(out);
    let mut write_all = || {
        for batch in records.batches() {
            writer.write(&RecordBatch::try_new(SchemaRef::clone(&schema), batch.columns().to_vec())?)?;
        }
        writer.finish()
    };
    write_all().map_err(|source| failed(Format::Json, source))
}

/// The rows as a JSON array with one object a row.
///
/// Numbers are numbers, dates and timestamps ISO 8601 text, NULL is `null`. Of columns that have the
/// same name the later ones get a number: `plays`, `plays_2`.
///
/// # Errors
///
/// [`Error::Format`] for a value that JSON cannot hold.
pub fn to_json_value(records: &RecordSet) -> Result<Value> {
    let mut text = Vec::new();
    write(records, &mut text)?;
    serde_json::from_slice(&text)
        .map_err(|source| failed(Format::Json, ArrowError::JsonError(source.to_string())))
}

/// An object cannot hold a key twice; SQL results may.
fn distinct_names(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut seen = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        if seen.insert(field.name()) {
            return Arc::clone(field);
        }
        let mut number = 2;
        loop {
            let name = format!("{}_{number}", field.name());
            if taken.insert(name.clone()) {
                return Arc::new(field.as_ref().clone().with_name(name));
            }
            number += 1;
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
