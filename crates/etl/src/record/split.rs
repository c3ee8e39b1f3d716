//! Finds the records in a block of a file and decodes them.
//!
//! Normally a record is a line. Several objects on a line and objects over several lines are found by
//! matching braces. A line that breaks off is one bad record, and the next line is read as usual.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use memchr::{memchr, memchr_iter, memmem};

use super::{
    RECORD_BYTES_MAX, RecordShape, careful,
    columns::RowBuffer,
    fast,
    reject::{Reason, Reject, excerpt},
};

/// Where an accepted record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Index of the file.
    pub(crate) file: usize,
    /// Line in the file, from 1.
    pub(crate) line: u64,
}

/// The block of a file that is being decoded.
#[derive(Debug, Clone, Copy)]
struct Block<'a> {
    file: usize,
    path: &'a str,
    /// The line of the file that the block begins with.
    first_line: u64,
    bytes: &'a [u8],
}

/// Decodes blocks into one record batch.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    shape: &'a RecordShape,
    rows: RowBuffer,
    rejects: Vec<Reject>,
    /// Kept only on request: counting lines costs time.
    positions: Option<Vec<Position>>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(shape: &'a RecordShape) -> Self {
        Self { shape, rows: RowBuffer::new(shape), rejects: Vec::new(), positions: None }
    }

    /// The same, and notes where each row came from.
    pub(crate) fn with_positions(mut self) -> Self {
        self.positions = Some(Vec::new());
        self
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows.rows()
    }

    pub(crate) fn byte_size(&self) -> usize {
        self.rows.byte_size()
    }

    /// The records that could not be decoded since the last call.
    pub(crate) fn take_rejects(&mut self) -> Vec<Reject> {
        std::mem::take(&mut self.rejects)
    }

    pub(crate) fn finish(self) -> Result<(RecordBatch, Vec<Position>), ArrowError> {
        Ok((self.rows.finish(self.shape)?, self.positions.unwrap_or_default()))
    }

    /// Decodes all records of a block.
    pub(crate) fn decode(&mut self, file: usize, path: &str, first_line: u64, bytes: &[u8]) {
        let block = Block { file, path, first_line, bytes };
        let mut start = 0;
        while start < bytes.len() {
            match simdutf8::compat::from_utf8(&bytes[start..]) {
                Ok(text) => {
                    self.decode_text(block, start, text);
                    return;
                }
                Err(error) => {
                    let bad = start + error.valid_up_to();
                    let line = line_around(bytes, bad);
                    if let Ok(text) = simdutf8::basic::from_utf8(&bytes[start..line.start]) {
                        self.decode_text(block, start, text);
                    }
                    let value = excerpt(&String::from_utf8_lossy(&bytes[line.clone()]));
                    self.reject(block, bad, None, Reason::InvalidUtf8, value);
                    start = line.end + 1;
                }
            }
        }
    }

    /// Decodes all records of a text, which is the block from byte `base` on.
    fn decode_text(&mut self, block: Block<'_>, base: usize, text: &str) {
        // Rare enough to look for it once per block, and in each text only when it is there.
        let has_nul = memmem::find(text.as_bytes(), b"\\u0000").is_some();
        let bytes = text.as_bytes();
        let mut position = 0;
        while position < bytes.len() {
            let line_end = memchr(b'\n', &bytes[position..]).map_or(bytes.len(), |n| position + n);
            let line = &text[position..line_end];
            if line.bytes().all(|byte| byte.is_ascii_whitespace()) {
                position = line_end + 1;
            } else if line.len() <= RECORD_BYTES_MAX
                && fast::decode(self.shape, line, has_nul, &mut self.rows)
            {
                self.accept(block, base + position);
                position = line_end + 1;
            } else {
                position = self.decode_carefully(block, base, text, position..line_end);
            }
        }
    }

    /// Decodes what begins with a line that the fast path gave up on, and returns where to go on.
    fn decode_carefully(&mut self, block: Block<'_>, base: usize, text: &str, line: Range<usize>) -> usize {
        if line.len() > RECORD_BYTES_MAX {
            self.reject(block, base + line.start, None, Reason::RecordTooLong, excerpt(&text[line.clone()]));
            return line.end + 1;
        }
        let mut start = line.start + leading_blanks(&text[line.clone()]);
        let mut objects = Vec::new();
        // One object, or several in a row; the last may go over several lines.
        while start < line.end {
            match object_end(&text.as_bytes()[start..]) {
                Some(length) if length <= RECORD_BYTES_MAX => {
                    objects.push(start..start + length);
                    start += length;
                    start += leading_blanks(&text[start..line.end.max(start)]);
                }
                // Not an object, or one without an end: the whole line is one bad record.
                _ => {
                    objects = vec![line.clone()];
                    break;
                }
            }
        }
        let end = objects.last().map_or(line.end, |object| object.end);
        for object in objects {
            match careful::decode(self.shape, &text[object.clone()], &mut self.rows) {
                Ok(()) => self.accept(block, base + object.start),
                Err(fault) => {
                    self.reject(
                        block,
                        base + object.start + fault.offset,
                        fault.field,
                        fault.reason,
                        fault.value,
                    );
                }
            }
        }
        // The newline belongs to the line; an object over several lines may be followed by another one.
        if end >= line.end && text.as_bytes().get(end) != Some(&b'\n') { end } else { end.max(line.end) + 1 }
    }

    fn accept(&mut self, block: Block<'_>, offset: usize) {
        if let Some(positions) = &mut self.positions {
            let line = block.first_line + count_lines(&block.bytes[..offset]);
            positions.push(Position { file: block.file, line });
        }
    }

    fn reject(
        &mut self,
        block: Block<'_>,
        offset: usize,
        field: Option<String>,
        reason: Reason,
        value: String,
    ) {
        let before = &block.bytes[..offset.min(block.bytes.len())];
        let column = before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |n| n + 1) + 1;
        self.rejects.push(Reject {
            path: block.path.to_owned(),
            line: block.first_line + count_lines(before),
            column: column as u64,
            field,
            reason,
            value,
        });
    }
}

/// The number of newlines.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

fn line_around(bytes: &[u8], position: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &bytes[..position]).map_or(0, |newline| newline + 1);
    let end = memchr(b'\n', &bytes[position..]).map_or(bytes.len(), |newline| position + newline);
    start..end
}

fn leading_blanks(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_whitespace).count()
}

/// The length of the object that the bytes begin with; `None` if it has no end, or is none.
fn object_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            // JSON has no raw newline in a text: this one was never closed.
            b'\n' if in_text => return None,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => {
                depth -= 1;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
        if index > RECORD_BYTES_MAX {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests;
