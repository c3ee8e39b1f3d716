//! JSON.

use std::{collections::HashSet, io::Write};

use sparkify_warehouse::{RecordSet, Value};

use super::{Format, cells};
use crate::{Error, Result};

/// An array with one object a line: valid JSON that line tools can still read.
pub(super) fn write(records: &RecordSet, out: &mut dyn Write) -> Result<()> {
    array(records, "\n", out)?;
    out.write_all(b"\n").map_err(Error::Write)
}

/// An array whose objects are apart by a line break, or by nothing.
fn array(records: &RecordSet, apart: &str, out: &mut dyn Write) -> Result<()> {
    let names = distinct_names(records);
    let mut before = "";
    out.write_all(b"[").map_err(Error::Write)?;
    for batch in records.batches() {
        for row in cells(batch, Format::Json)? {
            let mut line = format!("{before}{apart}");
            object(&mut line, names.iter().map(String::as_str).zip(&row?));
            out.write_all(line.as_bytes()).map_err(Error::Write)?;
            before = ",";
        }
    }
    let end = if records.row_count() == 0 { "]".to_owned() } else { format!("{apart}]") };
    out.write_all(end.as_bytes()).map_err(Error::Write)
}

/// The rows as a JSON array with one object a row, on one line.
///
/// Numbers are numbers with all their digits, dates and timestamps ISO 8601 text, NULL is `null`; lists are arrays,
/// structures and maps objects. What is no finite number is a text: `"inf"`. Of columns that have the same name the
/// later ones get a number: `plays`, `plays_2`.
///
/// # Errors
///
/// [`Error::Format`] for a value that cannot be shown.
pub fn to_json(records: &RecordSet) -> Result<String> {
    let mut text = Vec::new();
    array(records, "", &mut text)?;
    // Made of texts.
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn object<'a>(json: &mut String, fields: impl Iterator<Item = (&'a str, &'a Value)>) {
    json.push('{');
    for (index, (name, field)) in fields.enumerate() {
        if index > 0 {
            json.push(',');
        }
        string(json, name);
        json.push(':');
        value(json, field);
    }
    json.push('}');
}

fn value(json: &mut String, shown: &Value) {
    match shown {
        Value::Null => json.push_str("null"),
        Value::Truth(truth) => json.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => json.push_str(number),
        Value::Text(text) => string(json, text),
        Value::List(values) => {
            json.push('[');
            for (index, element) in values.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                value(json, element);
            }
            json.push(']');
        }
        Value::Structure(fields) => object(json, fields.iter().map(|(name, field)| (name.as_str(), field))),
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| key.to_string()).collect();
            object(json, keys.iter().map(String::as_str).zip(entries.iter().map(|(_, entry)| entry)));
        }
    }
}

fn string(json: &mut String, text: &str) {
    // A text always has a form in JSON.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// An object cannot hold a key twice; SQL results may.
fn distinct_names(records: &RecordSet) -> Vec<String> {
    let schema = records.schema();
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut seen = HashSet::new();
    let names = schema.fields().iter().map(|field| {
        if seen.insert(field.name().clone()) {
            return field.name().clone();
        }
        let mut number = 2;
        loop {
            let name = format!("{}_{number}", field.name());
            if taken.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    });
    names.collect()
}
