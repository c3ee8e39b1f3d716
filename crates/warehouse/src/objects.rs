//! Objects of a source that an engine reads itself, and records among them that it refuses.

use std::{
    borrow::Cow,
    io::{BufRead, Read},
    sync::Arc,
};

use async_trait::async_trait;

/// Objects with JSON records, for one table.
#[derive(Debug)]
pub struct ObjectLoad {
    /// The table.
    pub table: String,
    /// Its columns that are filled, in the order of the paths.
    pub columns: Vec<String>,
    /// The URL of a JSONPaths file with one path a column; it must not share the prefix of the objects.
    pub json_paths: Option<String>,
    /// The keys of the records, one a column, where there is no such file.
    pub keys: Vec<String>,
    /// The objects, as they were listed.
    pub objects: Vec<SourceObject>,
    /// How they are compressed, all alike.
    pub compression: ObjectCompression,
    /// The region of their bucket.
    pub region: String,
    /// Who can show a line of an object, for messages.
    pub lines: Option<Arc<dyn ObjectLines>>,
}

/// How an engine reads the objects of a source itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReading {
    /// The region that the objects must be in: that of the files which tell the engine about them.
    pub region: String,
    /// So many objects are read at once. None of them is ever divided, so there should be at least as many.
    pub at_once: usize,
}

/// An object as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceObject {
    /// `s3://bucket/key`.
    pub url: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, as the store gives it.
    pub etag: Option<String>,
}

/// How objects are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectCompression {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
    /// With Zstandard.
    Zstd,
}

/// What was read into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedObjects {
    /// The rows.
    pub rows: u64,
    /// The objects they came from.
    pub objects: Vec<LoadedObject>,
}

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedObject {
    /// `s3://bucket/key`.
    pub url: String,
    /// Its lines, as the server counts them. Whether a record over several lines is one is up to the server.
    pub lines: u64,
    /// Its entity tag when it was read. Where the server does not tell it, it is up to the caller to see whether
    /// the object is still the one that was listed.
    pub etag: Option<String>,
}

/// Shows the lines of objects.
#[async_trait]
pub trait ObjectLines: std::fmt::Debug + Send + Sync {
    /// The line of that number, from 1, of the object, uncompressed; `None` if it cannot be read.
    async fn line(&self, url: &str, number: u64) -> Option<ObjectLine>;
}

/// A line of an object, as far as it is worth keeping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectLine {
    /// Its beginning, which is all of it unless it is very long.
    pub beginning: Vec<u8>,
    /// How many bytes it has.
    pub length: u64,
}

impl ObjectLine {
    /// A line without its end.
    #[must_use]
    pub fn new(line: &[u8]) -> Self {
        let beginning = line[..line.len().min(LINE_BYTES_KEPT)].to_vec();
        Self { beginning, length: line.len() as u64 }
    }

    /// Whether the beginning is all of it.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.beginning.len() as u64 == self.length
    }

    /// The beginning as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.beginning)
    }
}

/// How much of a line is kept: some records may be refused at once.
const LINE_BYTES_KEPT: usize = 1 << 20;

/// The line of that number, from 1, without its end; `None` if there is none or it is empty. For implementations of
/// [`ObjectLines`]: memory is bounded, however large the object is.
///
/// ```
/// use sparkify_warehouse::line_of;
///
/// assert_eq!(line_of(&b"one\ntwo\n"[..], 2).unwrap().text(), "two");
/// ```
pub fn line_of(mut text: impl BufRead, number: u64) -> Option<ObjectLine> {
    for _ in 0..number.checked_sub(1)? {
        if text.skip_until(b'\n').ok()? == 0 {
            return None;
        }
    }
    let mut beginning = Vec::new();
    text.by_ref().take(LINE_BYTES_KEPT as u64).read_until(b'\n', &mut beginning).ok()?;
    let mut length = beginning.len() as u64;
    if beginning.last() == Some(&b'\n') {
        let end =
            beginning.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        beginning.truncate(end);
        length = end as u64;
    } else {
        length += rest_of_line(text)?;
    }
    (length > 0).then_some(ObjectLine { beginning, length })
}

/// The bytes up to the end of the line.
fn rest_of_line(mut text: impl BufRead) -> Option<u64> {
    let mut length = 0;
    loop {
        let buffer = text.fill_buf().ok()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = end.unwrap_or(buffer.len());
        length += part as u64;
        if end.is_some() || part == 0 {
            return Some(length);
        }
        text.consume(part);
    }
}

/// A record that an engine refused while it read objects itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyReject {
    /// The object, `s3://bucket/key`.
    pub url: String,
    /// The line in it, from 1; 0 if the server does not say.
    pub line: u64,
    /// The byte in the line or field, as the server counts.
    pub position: u64,
    /// The table's column.
    pub column: Option<String>,
    /// The type of the column.
    pub column_type: Option<String>,
    /// Its declared length.
    pub column_length: Option<String>,
    /// The server's number of the error.
    pub code: i64,
    /// What the server says.
    pub message: String,
    /// The line itself, as far as it could be read.
    pub raw: Option<ObjectLine>,
}

/// The most bytes that a record may have for COPY.
const RECORD_BYTES_MAX: u64 = 4 << 20;

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    TextTooLong,
    OutOfRange,
    NoNumber,
    NoMoment,
    NoBoolean,
    Missing,
    RecordTooLong,
    NotJson,
    NotUtf8,
    Nul,
    Other,
}

impl CopyReject {
    /// The same with its line.
    #[must_use]
    pub fn with_raw(self, raw: Option<ObjectLine>) -> Self {
        Self { raw, ..self }
    }

    /// The declared type of the column, with the length where it has one: `varchar(1024)`.
    #[must_use]
    pub fn declared_type(&self) -> Option<String> {
        let name = self.column_type.as_deref()?;
        Some(self.length().map_or_else(|| name.to_owned(), |length| format!("{name}({length})")))
    }

    /// The declared length of the column, where its type has one.
    #[must_use]
    pub fn length(&self) -> Option<u32> {
        self.column_length.as_deref()?.parse().ok().filter(|length| *length > 0)
    }

    /// One number stands for several faults, so the words, the type and the line decide as well.
    fn fault(&self) -> Fault {
        let message = self.message.to_lowercase();
        let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        let is = |types: &[&str]| {
            let column_type = self.column_type.as_deref().unwrap_or_default();
            types.iter().any(|name| column_type.contains(name))
        };
        let is_text = is(&["char", "text"]);
        let line_too_long = self.raw.as_ref().is_some_and(|line| line.length > RECORD_BYTES_MAX);
        match self.code {
            1204 if is_text || (self.column_type.is_none() && says(&["ddl length"])) => Fault::TextTooLong,
            1204 => Fault::OutOfRange,
            1205 | 1206 => Fault::NoMoment,
            1207 if says(&["overflow", "out of range"]) => Fault::OutOfRange,
            1207..=1209 => Fault::NoNumber,
            1210 => Fault::NoBoolean,
            1213 => Fault::Missing,
            // Any line that cannot be used.
            1216 if line_too_long || says(&["maximum size", "exceeds the max", "4194304"]) => {
                Fault::RecordTooLong
            }
            1216 => Fault::NotJson,
            1218 | 1224 => Fault::Nul,
            1219 | 1220 => Fault::NotUtf8,
            _ if says(&["ddl length"]) => Fault::TextTooLong,
            _ if says(&["not-null", "not null"]) => Fault::Missing,
            _ if says(&["overflow", "out of range"]) => Fault::OutOfRange,
            _ if line_too_long => Fault::RecordTooLong,
            _ if says(&["json"]) => Fault::NotJson,
            _ => Fault::Other,
        }
    }

    /// Why, in plain words.
    #[must_use]
    pub fn cause(&self) -> String {
        let declared = self.declared_type().unwrap_or_else(|| "another type".to_owned());
        match self.fault() {
            Fault::TextTooLong => self.length().map_or_else(
                || "the text is longer than its column".to_owned(),
                |length| format!("the text is longer than the {length} bytes of its column"),
            ),
            Fault::OutOfRange => format!("the number is out of the range of its column ({declared})"),
            Fault::NoNumber => {
                let whole = if declared.starts_with("int") { "whole " } else { "" };
                format!("a {whole}number was expected ({declared}), and this is none")
            }
            Fault::NoMoment => format!("a date or time was expected ({declared}), and this is none"),
            Fault::NoBoolean => "true or false was expected, and this is neither".to_owned(),
            Fault::Missing => "the required field is missing, null or blank".to_owned(),
            Fault::RecordTooLong => "the record is longer than 4 MB, the most that COPY takes".to_owned(),
            Fault::NotJson => format!("this is no JSON object that COPY can read ({})", self.message),
            Fault::NotUtf8 => "the text is not valid UTF-8".to_owned(),
            Fault::Nul => "the text has a NUL character".to_owned(),
            Fault::Other => self.message.clone(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.fault() {
            Fault::NotUtf8 => "convert the object to UTF-8, then load again",
            Fault::NotJson => {
                "write one JSON object a line; or load without direct COPY, which sets bad records aside with --max-errors"
            }
            _ => {
                "correct the record in the object, then load again; or load without direct COPY, which sets bad records \
                 aside with --max-errors"
            }
        }
    }
}

impl std::fmt::Display for CopyReject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.url, self.line)?;
        if let Some(column) = &self.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.cause())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_record_says_where_what_why_and_what_to_do() {
        let reject = CopyReject {
            url: "s3://b/log_data/a.json".to_owned(),
            line: 7,
            column: Some("artist".to_owned()),
            column_type: Some("varchar".to_owned()),
            column_length: Some("1024".to_owned()),
            code: 1204,
            message: "String length exceeds DDL length".to_owned(),
            ..CopyReject::default()
        };
        let text = reject.to_string();
        assert_eq!(
            text,
            "s3://b/log_data/a.json:7: column artist: the text is longer than the 1024 bytes of its column"
        );
        assert!(!reject.remedy().is_empty());
        let unknown = CopyReject { message: "Something new".to_owned(), ..CopyReject::default() };
        assert_eq!(unknown.cause(), "Something new");
    }

    #[test]
    fn one_number_of_an_error_has_the_cause_that_words_type_and_line_tell() {
        let reject = |code, column_type: &str, length: &str, message: &str| CopyReject {
            code,
            column_type: (!column_type.is_empty()).then(|| column_type.to_owned()),
            column_length: Some(length.to_owned()),
            message: message.to_owned(),
            ..CopyReject::default()
        };
        for (reject, cause) in [
            (reject(1204, "varchar", "16", "String length exceeds DDL length"), "longer than the 16 bytes"),
            (
                reject(1204, "int4", "0", "Overflow, Value '3000000000'"),
                "out of the range of its column (int4)",
            ),
            (reject(1204, "int8", "0", "Value out of range"), "out of the range of its column (int8)"),
            (
                reject(1207, "int8", "0", "Invalid digit, Value 'x', Pos 0, Type: Long"),
                "a whole number was expected (int8)",
            ),
            (
                reject(1207, "float8", "0", "Invalid digit, Value 'x', Pos 0, Type: Double"),
                "a number was expected (float8)",
            ),
            (reject(1213, "int8", "0", "Missing data for not-null field"), "required field is missing"),
            (reject(1216, "", "", "Invalid value."), "no JSON object that COPY can read (Invalid value.)"),
            (
                reject(1216, "", "", "The JSON object exceeds the maximum size of 4194304 bytes"),
                "longer than 4 MB",
            ),
            (reject(1220, "varchar", "16", "String contains invalid or unsupported UTF8"), "not valid UTF-8"),
            (reject(1224, "varchar", "16", "Invalid null byte"), "NUL"),
        ] {
            assert!(reject.cause().contains(cause), "{}", reject.cause());
        }
        let long = ObjectLine { beginning: b"{".to_vec(), length: RECORD_BYTES_MAX + 1 };
        let invalid = reject(1216, "", "", "Invalid value.").with_raw(Some(long));
        assert!(invalid.cause().contains("longer than 4 MB"), "the words are those of any invalid line");
    }

    #[test]
    fn a_line_is_found_by_its_number() {
        let line = |text: &'static str, number| {
            line_of(text.as_bytes(), number).map(|line| line.text().into_owned())
        };
        assert_eq!(line("one\ntwo\n", 2).as_deref(), Some("two"));
        assert_eq!(line("one", 1).as_deref(), Some("one"));
        assert_eq!(line("one", 2), None);
        assert_eq!(line("one", 0), None);
        let text = "one\ntwo\r\n\nfour";
        assert_eq!(line(text, 1).as_deref(), Some("one"));
        assert_eq!(line(text, 2).as_deref(), Some("two"));
        assert_eq!(line(text, 3), None);
        assert_eq!(line(text, 4).as_deref(), Some("four"));
        assert_eq!(line(text, 5), None);
    }

    #[test]
    fn a_long_line_is_kept_up_to_a_limit_and_its_length_is_known() {
        for end in ["", "\n", "\nnext"] {
            let text = format!("first\n{}{end}", "ä".repeat(LINE_BYTES_KEPT));
            let line = line_of(text.as_bytes(), 2).unwrap();
            assert_eq!((line.beginning.len(), line.length), (LINE_BYTES_KEPT, 2 * LINE_BYTES_KEPT as u64));
            assert!(!line.is_whole());
        }
        assert!(ObjectLine::new(b"short").is_whole());
    }
}
