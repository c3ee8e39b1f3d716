//! A record that cannot be loaded: where it is, what is wrong, and what to do.

use sparkify_warehouse::{CopyReject, ObjectLine};

use super::{RECORD_BYTES_MAX, RecordShape, split::Decoder};

/// Why a record cannot be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Text that is no JSON.
    #[error("invalid JSON: {0}")]
    InvalidJson(String),
    /// An object that breaks off.
    #[error("the record breaks off: {0}")]
    Truncated(String),
    /// Bytes that are no UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// JSON, but no object.
    #[error("a JSON object was expected, and this is {0}")]
    NotAnObject(&'static str),
    /// A value of a type that the column cannot hold.
    #[error("{expected} was expected, and this is {found}")]
    WrongType {
        /// What the column holds.
        expected: &'static str,
        /// What the record has.
        found: &'static str,
    },
    /// A number outside the range of its column.
    #[error("the number is out of range ({0})")]
    OutOfRange(String),
    /// A time in another unit than milliseconds.
    #[error("a time in milliseconds was expected, and this seems to be one in {unit} ({day})")]
    OtherUnit {
        /// The unit.
        unit: &'static str,
        /// The day that it means in that unit.
        day: String,
    },
    /// A required field that is missing, null or blank.
    #[error("the required field is {0}")]
    Missing(&'static str),
    /// A text longer than its column.
    #[error("the text has {bytes} bytes, and the column holds {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The column's limit.
        max: u32,
    },
    /// A text with a NUL character.
    #[error("the text has a NUL character, which no engine can store")]
    NulCharacter,
    /// A field that an object has twice.
    #[error("the field comes twice in the record")]
    RepeatedField,
    /// A record longer than any engine takes.
    #[error("the record is longer than {} bytes, the most that a record may have", super::RECORD_BYTES_MAX)]
    RecordTooLong,
    /// The engine read the file itself and refused the record.
    #[error("the engine refuses it: {0}")]
    Refused(String),
    /// Two different events with the key of one.
    #[error("another event with the same sessionId and itemInSession {0}")]
    KeyConflict(String),
}

/// A record that was not loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// The byte in that line, from 1.
    pub column: u64,
    /// The key of the field to blame, where it is one.
    pub field: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The value or the beginning of the record.
    pub value: String,
    /// What the engine said, if it was the engine that refused it.
    pub engine: Option<Refusal>,
}

/// What an engine says of a record that it refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The type of the column, where one is to blame.
    pub data_type: Option<String>,
    /// The declared length of the column in bytes, where its type has one.
    pub length: Option<u32>,
    /// The engine's number of the error.
    pub code: i64,
    /// Its words.
    pub message: String,
}

impl Refusal {
    /// The type with the length: `varchar(1024)`.
    #[must_use]
    pub fn declared_type(&self) -> Option<String> {
        let name = self.data_type.as_deref()?;
        Some(self.length.map_or_else(|| name.to_owned(), |length| format!("{name}({length})")))
    }
}

impl Reject {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.reason {
            Reason::Truncated(_) => "deliver the file again, it seems to be cut off",
            Reason::InvalidUtf8 => "convert the file to UTF-8",
            Reason::NotAnObject(_) => "write one JSON object a line",
            Reason::OtherUnit { .. } => "write times in milliseconds since 1970 (UTC)",
            Reason::KeyConflict(_) => "find out which of the two events is right and remove the other",
            _ => "correct the record in the file",
        }
    }
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: ", self.path, self.line, self.column)?;
        if let Some(field) = &self.field {
            write!(f, "field {field:?}: ")?;
        }
        write!(f, "{}", self.reason)
    }
}

impl Reject {
    /// The card of a record that an engine refused: if the line is wrong for us as well, the one that a local file would
    /// have got.
    pub(crate) fn refused(shape: &RecordShape, refused: &CopyReject) -> Self {
        let index =
            shape.table().columns.iter().position(|column| Some(column.name) == refused.column.as_deref());
        let key = index.map(|index| shape.key(index));
        let line = refused.raw.as_ref();
        let found = line.and_then(|line| ours(shape, refused, key, line));
        let found = found.unwrap_or_else(|| theirs(refused, key, line));
        let engine = Refusal {
            data_type: refused.column_type.clone(),
            length: refused.length(),
            code: refused.code,
            message: refused.message.clone(),
        };
        let field = found.field.or_else(|| key.or(refused.column.as_deref()).map(str::to_owned));
        Self { field, engine: Some(engine), ..found }
    }
}

/// What our own decoder says of the line, if it is about the same field.
fn ours(shape: &RecordShape, refused: &CopyReject, key: Option<&str>, line: &ObjectLine) -> Option<Reject> {
    if !line.is_whole() || line.beginning.trim_ascii() == b"{" {
        // The rest of the record is on other lines.
        return None;
    }
    let mut decoder = Decoder::new(shape);
    decoder.decode(0, &refused.url, refused.line, &line.beginning);
    decoder.take_rejects().into_iter().find(|reject| match (reject.field.as_deref(), key) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (None, None) => true,
        (None, Some(_)) => reject.reason == Reason::InvalidUtf8,
        (Some(_), None) => false,
    })
}

/// What the engine says, with the place of the value in the line.
fn theirs(refused: &CopyReject, key: Option<&str>, line: Option<&ObjectLine>) -> Reject {
    let too_long = line.is_some_and(|line| line.length > RECORD_BYTES_MAX as u64) && key.is_none();
    let place = key.zip(line).and_then(|(key, line)| value_of(&line.beginning, key));
    let value = match (&place, line) {
        (Some(place), Some(line)) => excerpt(&String::from_utf8_lossy(&line.beginning[place.clone()])),
        (None, Some(line)) => {
            let end = line.beginning.len().min(SHOWN_BYTES);
            let shown = String::from_utf8_lossy(&line.beginning[..end]);
            // A character at its end may have been cut in two.
            let shown = excerpt(shown.trim_end_matches('\u{fffd}'));
            if line.length > end as u64 { shown + "…" } else { shown }
        }
        (_, None) => String::new(),
    };
    Reject {
        path: refused.url.clone(),
        line: refused.line,
        column: place.map_or(0, |place| place.start as u64) + 1,
        field: None,
        reason: if too_long { Reason::RecordTooLong } else { Reason::Refused(refused.cause()) },
        value,
        engine: None,
    }
}

/// Bytes of a line that are shown if no value of it is.
const SHOWN_BYTES: usize = 80;

/// Where the value of a key is in the beginning of an object, which may be broken or cut off behind it.
fn value_of(object: &[u8], key: &str) -> Option<std::ops::Range<usize>> {
    let name = serde_json::to_string(key).ok()?;
    let (mut depth, mut at, mut found) = (0_usize, 0, None);
    while at < object.len() {
        match object[at] {
            b'"' => {
                let end = text_end(object, at);
                let after = skip_blanks(object, end);
                if depth == 1 && found.is_none() && object.get(after) == Some(&b':') {
                    if &object[at..end] == name.as_bytes() {
                        found = Some(skip_blanks(object, after + 1));
                    }
                    at = after;
                } else {
                    at = end - 1;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b',' | b'}' if depth == 1 && found.is_some() => break,
            _ => {}
        }
        at += 1;
    }
    let start = found?;
    let end = at.min(object.len()).max(start);
    Some(start..start + object[start..end].trim_ascii_end().len())
}

/// Behind the closing quote of a text that begins there.
fn text_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_blanks(bytes: &[u8], start: usize) -> usize {
    let blanks = bytes[start.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_whitespace());
    start + blanks.count()
}

/// The beginning of a text, fit for one line of a terminal.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS: usize = 80;
    let mut shown: String = text.trim().chars().take(CHARS).flat_map(escape).collect();
    if text.trim().chars().nth(CHARS).is_some() {
        shown.push('…');
        shown.push_str(&format!(" ({} bytes)", text.len()));
    }
    shown
}

/// Control characters would disturb a terminal, so they are shown as escapes.
fn escape(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(column: Option<&str>, raw: &[u8]) -> Reject {
        let refused = CopyReject {
            url: "s3://b/a.json".to_owned(),
            line: 7,
            column: column.map(str::to_owned),
            column_type: Some("varchar".to_owned()),
            column_length: Some("16".to_owned()),
            code: 1204,
            message: "String length exceeds DDL length".to_owned(),
            raw: Some(ObjectLine::new(raw)),
            ..CopyReject::default()
        };
        Reject::refused(&RecordShape::events(None), &refused)
    }

    #[test]
    fn a_record_that_is_wrong_for_us_as_well_gets_the_card_of_a_local_file() {
        let raw = br#"{"page":"Home","level":"free","sessionId":"x","itemInSession":0,"ts":1}"#;
        let reject = refused(Some("session_id"), raw);
        assert_eq!((reject.line, reject.column, reject.field.as_deref()), (7, 43, Some("sessionId")));
        assert!(matches!(reject.reason, Reason::WrongType { .. }), "{reject}");
        assert_eq!(reject.value, "\"x\"");
        let engine = reject.engine.unwrap();
        assert_eq!((engine.code, engine.declared_type().as_deref()), (1204, Some("varchar(16)")));
        assert!(matches!(refused(None, b"no JSON").reason, Reason::InvalidJson(_)));
        assert!(matches!(refused(None, b"{\"page\":\"Home\"").reason, Reason::Truncated(_)));
        let reject = refused(Some("page"), b"{\"page\":\"\xe9\"}");
        assert_eq!(
            (reject.reason, reject.column, reject.field.as_deref()),
            (Reason::InvalidUtf8, 10, Some("page"))
        );
    }

    #[test]
    fn a_record_that_only_the_engine_refuses_shows_the_value_with_its_place_and_the_engines_reason() {
        let raw = br#"{"page":"Home","level":"free","sessionId":1,"itemInSession" : 12 ,"ts":1}"#;
        let reject = refused(Some("item_in_session"), raw);
        assert_eq!((reject.column, reject.value.as_str()), (63, "12"));
        assert_eq!(reject.field.as_deref(), Some("itemInSession"));
        assert!(matches!(reject.reason, Reason::Refused(_)));
        // Of an object over several lines only the first is known.
        let reject = refused(Some("page"), b"{");
        assert_eq!((reject.column, reject.value.as_str()), (1, "{"));
        let long = CopyReject {
            code: 1216,
            raw: Some(ObjectLine { beginning: b"{\"page\":\"xxx".to_vec(), length: 5 << 20 }),
            ..CopyReject::default()
        };
        let reject = Reject::refused(&RecordShape::events(None), &long);
        assert_eq!(reject.reason, Reason::RecordTooLong);
        assert_eq!(reject.value, "{\"page\":\"xxx…");
    }

    #[test]
    fn a_value_is_found_by_its_key_on_the_first_level_only() {
        for (object, expected) in [
            (r#"{"a":{"ts":1},"ts":2}"#, Some("2")),
            (r#"{"a":"\"ts\":1","ts" : [1, {"x": 2}] }"#, Some(r#"[1, {"x": 2}]"#)),
            (r#"{"ts":"a, \"b\"","x":1}"#, Some(r#""a, \"b\"""#)),
            (r#"{"x":"ts","ts":"cut o"#, Some(r#""cut o"#)),
            (r#"{"ts":"#, Some("")),
            (r#"{"x":["ts"]}"#, None),
            ("nonsense", None),
        ] {
            let found = value_of(object.as_bytes(), "ts").map(|place| &object[place]);
            assert_eq!(found, expected, "{object}");
        }
    }
}
