//! Comma-separated values.

use std::io::Write;

use sparkify_warehouse::RecordSet;

use super::{Format, formatters};
use crate::{Error, Result};

pub(super) fn write(records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    let schema = records.schema();
    write_record(schema.fields().iter().map(|field| field.name().clone()), out)?;
    for batch in records.batches() {
        let formatters = formatters(batch, "", Format::Csv)?;
        for row in 0..batch.num_rows() {
            write_record(formatters.iter().map(|formatter| formatter.value(row).to_string()), out)?;
        }
    }
    Ok(())
}

fn write_record(fields: impl ExactSizeIterator<Item = String>, out: &mut dyn Write) -> Result<()> {
    // A lone empty field would be an empty line, which readers skip.
    let alone = fields.len() == 1;
    let fields = fields.map(|field| {
        let quoted = field.contains(['"', ',', '\r', '\n']) || (alone && field.is_empty());
        if quoted { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    writeln!(out, "{}", fields.collect::<Vec<_>>().join(",")).map_err(Error::Write)
}
