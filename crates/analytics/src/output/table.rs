//! Aligned columns.

use std::{fmt::Write as _, io::Write, sync::Arc};

use arrow_array::RecordBatch;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use sparkify_warehouse::RecordSet;

use super::{Format, cells, values};
use crate::{Error, Result};

/// Two blanks between columns: the padding of the left one and this.
const COLUMN_GAP: char = ' ';

pub(super) fn write(records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    let schema = records.schema();
    if schema.fields().is_empty() {
        return Ok(());
    }
    let names: Vec<_> = schema.fields().iter().map(|field| printable(field.name())).collect();
    let mut table = Table::new();
    table.set_header(names.clone());
    table.set_content_arrangement(ContentArrangement::Disabled);
    let mut style = TableStyle::new();
    style.header_lines.junction = Some(COLUMN_GAP);
    style.content_lines.junction = Some(COLUMN_GAP);
    table.load_style(style);
    for batch in records.batches() {
        for row in cells(batch, Format::Table)? {
            table.add_row(row?.iter().map(|value| printable(&value.to_string())).collect::<Vec<_>>());
        }
    }
    let widths = table.column_max_content_widths();
    let underlined =
        names.iter().zip(widths).map(|(name, width)| format!("{name}\n{}", "-".repeat(usize::from(width))));
    table.set_header(underlined.collect::<Vec<_>>());
    let empty = RecordBatch::new_empty(Arc::clone(&schema));
    for (column, (_, values)) in table.column_iter_mut().zip(values(&empty, Format::Table)?) {
        column.set_padding((0, 1));
        if values.are_numbers() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end_matches(' ')).map_err(Error::Write)?;
    }
    Ok(())
}

/// The text with everything escaped that would move the cursor, start a terminal command, break the
/// line or reverse its direction.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => printable.push_str("\\n"),
            '\r' => printable.push_str("\\r"),
            '\t' => printable.push_str("\\t"),
            _ if c.is_control() || is_layout(c) => {
                // Writing to a String cannot fail.
                let _ = write!(printable, "\\u{{{:x}}}", u32::from(c));
            }
            _ => printable.push(c),
        }
    }
    printable
}

/// Line and paragraph separators, direction marks and overrides, and the byte order mark.
const fn is_layout(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
