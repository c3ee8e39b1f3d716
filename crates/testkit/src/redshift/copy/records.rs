//! The JSON objects of a file, one after the other.

use std::io::{self, Read};

/// The most bytes of one object.
pub(super) const LONGEST: usize = 4 << 20;
/// So much is read at once.
const BLOCK: usize = 256 << 10;

/// Splits a file into objects. They may stand on one line or over several, with white space in between.
pub(super) struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that is not yet used.
    start: usize,
    end: usize,
    /// The line that comes next, from 1.
    pub(super) line: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

/// An object.
pub(super) struct Record<'a> {
    pub(super) bytes: &'a [u8],
    /// The line it begins in, counted from 1.
    pub(super) line: u64,
}

/// What is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// Something else, up to the end of its line.
    NoObject,
    /// The line or file ends inside of it.
    Unfinished,
    TooLong,
}

/// Where a scan of an object is.
#[derive(Default)]
struct Scan {
    /// Looked at so far.
    length: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
    lines: u64,
}

enum Found {
    /// It ends here.
    End,
    /// A line ends inside of a text.
    BrokenText,
    NotYet,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; BLOCK], start: 0, end: 0, line: 1, bytes: 0 }
    }

    /// The next object, what is none with its line, or the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Record<'_>, (Broken, u64)>>> {
        if !self.skip_white_space()? {
            return Ok(None);
        }
        let line = self.line;
        if self.buffer[self.start] != b'{' {
            self.skip_line()?;
            return Ok(Some(Err((Broken::NoObject, line))));
        }
        let mut scan = Scan::default();
        loop {
            match scan.go_on(&self.buffer[self.start..self.end]) {
                Found::End => break,
                Found::BrokenText => {
                    self.start += scan.length;
                    self.line += scan.lines;
                    return Ok(Some(Err((Broken::Unfinished, line))));
                }
                Found::NotYet if !self.fill()? => {
                    self.start = self.end;
                    return Ok(Some(Err((Broken::Unfinished, line))));
                }
                Found::NotYet => {}
            }
        }
        let start = self.start;
        self.start += scan.length;
        self.line += scan.lines;
        if scan.length > LONGEST {
            return Ok(Some(Err((Broken::TooLong, line))));
        }
        Ok(Some(Ok(Record { bytes: &self.buffer[start..start + scan.length], line })))
    }

    /// False at the end of the file.
    fn skip_white_space(&mut self) -> io::Result<bool> {
        loop {
            while self.start < self.end {
                match self.buffer[self.start] {
                    b'\n' => self.line += 1,
                    b' ' | b'\t' | b'\r' => {}
                    _ => return Ok(true),
                }
                self.start += 1;
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(end) = memchr::memchr(b'\n', rest) {
                self.start += end;
                return Ok(());
            }
            self.start = self.end;
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Reads more behind what is there; false at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let length = self.buffer.len() * 2;
            self.buffer.resize(length, 0);
        }
        let read = self.source.read(&mut self.buffer[self.end..])?;
        self.end += read;
        self.bytes += read as u64;
        Ok(read > 0)
    }
}

impl Scan {
    fn go_on(&mut self, bytes: &[u8]) -> Found {
        while self.length < bytes.len() {
            let byte = bytes[self.length];
            if self.in_text {
                if self.escaped {
                    self.escaped = false;
                } else {
                    match byte {
                        b'"' => self.in_text = false,
                        b'\\' => self.escaped = true,
                        b'\n' => return Found::BrokenText,
                        _ => {
                            // Most of a file is inside of texts.
                            let rest = &bytes[self.length..];
                            self.length += memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                            continue;
                        }
                    }
                }
            } else {
                match byte {
                    b'"' => self.in_text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    b'\n' => self.lines += 1,
                    _ => {}
                }
                if self.depth == 0 {
                    self.length += 1;
                    return Found::End;
                }
            }
            self.length += 1;
        }
        Found::NotYet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(text: &str) -> Vec<(u64, Result<String, Broken>)> {
        let read = |source: &mut dyn Read| {
            let mut records = Records::new(source);
            let mut found = Vec::new();
            while let Some(record) = records.next().unwrap() {
                found.push(match record {
                    Ok(record) => (record.line, Ok(String::from_utf8_lossy(record.bytes).into_owned())),
                    Err((broken, line)) => (line, Err(broken)),
                });
            }
            found
        };
        let found = read(&mut text.as_bytes());
        assert_eq!(found, read(&mut Slow(text.as_bytes())));
        found
    }

    #[test]
    fn objects_stand_on_one_line_or_on_several() {
        let text = "\n{\"a\": \"}\\\"{\"}{\"b\": [1, {}]}\n{\n\"c\": 1\n} \r\n {}";
        let found = all(text);
        let expected =
            [(2, "{\"a\": \"}\\\"{\"}"), (2, "{\"b\": [1, {}]}"), (3, "{\n\"c\": 1\n}"), (6, "{}")];
        assert_eq!(found.len(), expected.len());
        for ((line, record), (expected_line, expected)) in found.into_iter().zip(expected) {
            assert_eq!((line, record.as_deref()), (expected_line, Ok(expected)));
        }
    }

    #[test]
    fn after_what_is_no_object_comes_the_next_line() {
        let found = all("{\"a\": \"x\ny\n{\"b\": 1}\n{\"c\"");
        assert_eq!(found[0], (1, Err(Broken::Unfinished)));
        assert_eq!(found[1], (2, Err(Broken::NoObject)));
        assert_eq!(found[2], (3, Ok("{\"b\": 1}".to_owned())));
        assert_eq!(found[3], (4, Err(Broken::Unfinished)));
    }

    #[test]
    fn an_object_has_four_mebibytes_at_most() {
        let object = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        let text = [object(LONGEST), object(LONGEST + 1), object(20)].join("\n");
        let mut records = Records::new(text.as_bytes());
        let mut lengths = Vec::new();
        while let Some(record) = records.next().unwrap() {
            lengths.push(record.map(|record| record.bytes.len()).map_err(|(broken, _)| broken));
        }
        assert_eq!(lengths, [Ok(LONGEST), Err(Broken::TooLong), Ok(20)]);
    }
}
