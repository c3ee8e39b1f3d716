//! A record that cannot be loaded: where it is, what is wrong, and what to do.

use sparkify_schema::model::{staging_events, staging_songs};

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
}

impl Reject {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.reason {
            Reason::Truncated(_) => "deliver the file again, it seems to be cut off",
            Reason::InvalidUtf8 => "convert the file to UTF-8",
            Reason::NotAnObject(_) => "write one JSON object a line",
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

impl From<&sparkify_warehouse::CopyReject> for Reject {
    fn from(reject: &sparkify_warehouse::CopyReject) -> Self {
        Self {
            path: reject.url.clone(),
            line: reject.line,
            column: reject.position.max(1),
            field: reject.column.clone(),
            reason: Reason::Refused(reject.cause()),
            value: refused_value(reject),
        }
    }
}

/// The value of the field to blame, or else the beginning of the record.
fn refused_value(reject: &sparkify_warehouse::CopyReject) -> String {
    let Some(raw) = reject.raw.as_deref() else { return String::new() };
    let record: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(raw).ok();
    let columns = [staging_events(), staging_songs()].into_iter().flat_map(|table| table.columns);
    let value = columns.filter(|column| Some(column.name) == reject.column.as_deref()).find_map(|column| {
        record.as_ref()?.get(column.source_key).or_else(|| record.as_ref()?.get(column.name))
    });
    value.map_or_else(|| excerpt(raw), |value| excerpt(&value.to_string()))
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

    #[test]
    fn a_refused_record_shows_the_value_to_blame_or_else_its_beginning() {
        let reject = sparkify_warehouse::CopyReject {
            column: Some("session_id".to_owned()),
            raw: Some(r#"{"page":"Home","sessionId":"x"}"#.to_owned()),
            ..Default::default()
        };
        assert_eq!(Reject::from(&reject).value, "\"x\"");
        let unknown = sparkify_warehouse::CopyReject { column: None, ..reject.clone() };
        assert!(Reject::from(&unknown).value.starts_with("{\"page\""));
        let broken = sparkify_warehouse::CopyReject { raw: Some("no JSON".to_owned()), ..reject };
        assert_eq!(Reject::from(&broken).value, "no JSON");
    }
}
