//! Comma-separated values.

use std::io::Write;

use sparkify_warehouse::{RecordSet, Value};

use super::{Format, cells};
use crate::{Error, Result};

/// What a spreadsheet takes for the beginning of a formula, in full width too.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// `safe`: for spreadsheets, which would run a text that looks like a formula.
pub(super) fn write(records: &RecordSet, safe: bool, out: &mut dyn Write) -> Result<()> {
    let text = |text: String| if safe && text.starts_with(FORMULA) { format!("'{text}") } else { text };
    let schema = records.schema();
    write_record(schema.fields().iter().map(|field| text(field.name().clone())).collect(), out)?;
    for batch in records.batches() {
        for row in cells(batch, Format::Csv)? {
            let fields = row?.into_iter().map(|value| match value {
                Value::Null => String::new(),
                Value::Number(number) => number,
                value => text(value.to_string()),
            });
            write_record(fields.collect(), out)?;
        }
    }
    Ok(())
}

fn write_record(fields: Vec<String>, out: &mut dyn Write) -> Result<()> {
    // A lone empty field would be an empty line, which readers skip.
    let alone = fields.len() == 1;
    let fields = fields.into_iter().map(|field| {
        let quoted = field.contains(['"', ',', '\r', '\n']) || (alone && field.is_empty());
        if quoted { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    writeln!(out, "{}", fields.collect::<Vec<_>>().join(",")).map_err(Error::Write)
}
