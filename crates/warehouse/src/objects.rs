//! Objects of a source that an engine reads itself, and records among them that it refuses.

use std::{io::BufRead, sync::Arc};

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
    async fn line(&self, url: &str, number: u64) -> Option<String>;
}

/// The line of that number, from 1, without its end and as far as is worth keeping; `None` if there is none or it is
/// empty. For implementations of [`ObjectLines`]: memory is bounded, however large the object is.
///
/// ```
/// use sparkify_warehouse::line_of;
///
/// assert_eq!(line_of(&b"one\ntwo\n"[..], 2).as_deref(), Some("two"));
/// ```
pub fn line_of(mut text: impl BufRead, number: u64) -> Option<String> {
    for _ in 0..number.checked_sub(1)? {
        if text.skip_until(b'\n').ok()? == 0 {
            return None;
        }
    }
    let mut line = Vec::new();
    text.take(RAW_BYTES_MAX as u64).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end_matches(['\n', '\r']);
    (!line.is_empty()).then(|| line.to_owned())
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
    pub raw: Option<String>,
}

/// How much of a line is worth keeping.
const RAW_BYTES_MAX: usize = 64 << 10;

impl CopyReject {
    /// The same with its line.
    #[must_use]
    pub fn with_raw(mut self, raw: Option<String>) -> Self {
        self.raw = raw.map(|mut raw| {
            raw.truncate(raw.floor_char_boundary(RAW_BYTES_MAX));
            raw
        });
        self
    }

    /// Why, in plain words.
    #[must_use]
    pub fn cause(&self) -> String {
        let says = |text: &str| self.message.to_lowercase().contains(text);
        let length = || self.column_length.as_deref().unwrap_or("fewer");
        let expected = || self.column_type.as_deref().unwrap_or("another type");
        match self.code {
            1204 => format!("the text is longer than the {} bytes of its column", length()),
            1207 => format!("a number was expected ({}), and this is none", expected()),
            1213 => "the required field is missing or blank".to_owned(),
            1216 => "the record is longer than 4 MB, the most that COPY takes".to_owned(),
            1220 | 1224 => "the text is not valid UTF-8".to_owned(),
            _ if says("exceeds ddl length") => {
                format!("the text is longer than the {} bytes of its column", length())
            }
            _ if says("json") => format!("this is no JSON that COPY can read ({})", self.message),
            _ => self.message.clone(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.code {
            1220 | 1224 => "convert the object to UTF-8, then load again",
            _ if self.message.to_lowercase().contains("json") => {
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
    fn a_line_is_found_by_its_number() {
        let line = |text: &'static str, number| line_of(text.as_bytes(), number);
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
    fn a_line_is_kept_up_to_a_limit_that_cuts_no_character() {
        let reject = CopyReject::default().with_raw(Some("ä".repeat(RAW_BYTES_MAX)));
        assert_eq!(reject.raw.unwrap().len(), RAW_BYTES_MAX);
    }
}
