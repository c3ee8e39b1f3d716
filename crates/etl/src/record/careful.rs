//! The careful path: decodes one object with attention to everything that the fast path gives up on,
//! and says exactly what is wrong with it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    RecordShape,
    columns::{ColumnBuffer, RowBuffer},
    reject::{Reason, excerpt},
};

const ARRAY: &str = "an array";

/// What is wrong with a record, at which byte of its text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) field: Option<String>,
    pub(super) reason: Reason,
    pub(super) value: String,
}

/// Decodes one object that takes up the whole text, and appends its row.
pub(super) fn decode(shape: &RecordShape, text: &str, rows: &mut RowBuffer) -> Result<(), Fault> {
    let result = append(shape, text, rows);
    if result.is_err() {
        rows.undo_row();
    }
    result
}

fn append(shape: &RecordShape, text: &str, rows: &mut RowBuffer) -> Result<(), Fault> {
    let whole = |offset, reason| Fault { offset, field: None, reason, value: excerpt(text) };
    if let Some(found) = not_an_object(text) {
        // A scalar such as 12 or "x" is valid JSON; anything else is no JSON at all.
        return Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => whole(0, Reason::NotAnObject(found)),
            // The first line of an array over several lines.
            Err(error) if error.is_eof() && found == ARRAY => whole(0, Reason::NotAnObject(found)),
            Err(error) => whole(offset_of(text, &error), syntax(&error)),
        });
    }
    let Fields(fields) =
        serde_json::from_str(text).map_err(|error| whole(offset_of(text, &error), syntax(&error)))?;
    let (mut seen, mut expected) = (0_u32, 0);
    for (key, raw) in fields {
        let Some(index) = shape.index_of(&key, expected) else { continue };
        // The raw value is a part of the text, so the distance is its offset.
        let offset = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        let fault = |reason| Fault { offset, field: Some(key.clone()), reason, value: excerpt(raw.get()) };
        if seen & (1 << index) != 0 {
            return Err(fault(Reason::RepeatedField));
        }
        seen |= 1 << index;
        expected = index + 1;
        push(&mut rows.columns[index], raw.get()).map_err(fault)?;
    }
    rows.end_row(seen).map_err(|index| Fault {
        offset: 0,
        field: Some(shape.key(index).to_owned()),
        reason: Reason::Missing("missing"),
        value: excerpt(text),
    })
}

/// Appends a value given as its JSON text.
fn push(column: &mut ColumnBuffer, json: &str) -> Result<(), Reason> {
    let wrong = |found| Reason::WrongType { expected: column.expected(), found };
    match json.as_bytes().first() {
        Some(b'n') => column.push_null(),
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(|error| syntax(&error))?;
            if text.contains('\0') {
                return Err(Reason::NulCharacter);
            }
            column.push_str(&text)
        }
        Some(b'{') => Err(wrong("an object")),
        Some(b'[') => Err(wrong(ARRAY)),
        // A number or a boolean in a text column is the text it is written as, as with COPY.
        _ if column.is_text() => column.push_str(json),
        Some(b't' | b'f') => Err(wrong("a boolean")),
        _ if column.is_integer() => column.push_decimal(json),
        _ => column.push_real(json.parse().map_err(|_| column.out_of_range())?),
    }
}

fn not_an_object(text: &str) -> Option<&'static str> {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => None,
        Some(b'[') => Some(ARRAY),
        Some(b'"') => Some("a text"),
        Some(b't' | b'f') => Some("a boolean"),
        Some(b'n') => Some("null"),
        _ => Some("a number"),
    }
}

fn syntax(error: &serde_json::Error) -> Reason {
    // serde_json ends its messages with a position in the text; ours is one in the file.
    let message = error.to_string();
    let message =
        message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned();
    if error.is_eof() { Reason::Truncated(message) } else { Reason::InvalidJson(message) }
}

fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text.as_bytes()).nth(line - 2).map_or(0, |newline| newline + 1),
    };
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    // In a value the column is that of the byte before the control character.
    let is_control = error.is_syntax() && error.to_string().starts_with("control character");
    let skipped = text.bytes().skip(offset).position(|byte| byte < b' ').filter(|_| is_control);
    offset + skipped.unwrap_or_default()
}

/// The fields of an object in order, repeated ones too, each value as its JSON text.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}
