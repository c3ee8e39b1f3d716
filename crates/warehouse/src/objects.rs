//! Objects of a source that an engine reads itself.

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
    /// Its columns that are filled, in the order of the keys.
    pub columns: Vec<String>,
    /// The keys of the records, one a column.
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

#[cfg(test)]
mod tests {
    use super::*;

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
