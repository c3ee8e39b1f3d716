//! Records that cannot be loaded, whoever found out: the reader of records or an engine that read them itself.

use crate::ObjectLine;

/// The longest record in bytes: what every engine can take.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

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
    #[error("the record is longer than {RECORD_BYTES_MAX} bytes, the most that a record may have")]
    RecordTooLong,
    /// The engine read the file itself and refused the record for a reason of its own.
    #[error("the engine refuses it: {0}")]
    Refused(String),
    /// Two different events with the key of one.
    #[error("another event with the same sessionId and itemInSession {0}")]
    KeyConflict(String),
}

/// A record that was not loaded: where it is, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// The file.
    pub path: String,
    /// The line, from 1; 0 if an engine does not say.
    pub line: u64,
    /// The byte in that line, from 1.
    pub column: u64,
    /// The key of the field to blame, where it is one; as an engine tells it, the column of the table.
    pub field: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The value or the beginning of the record; empty if an engine does not show it.
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
    /// The line itself, as far as it could be read.
    pub raw: Option<ObjectLine>,
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
