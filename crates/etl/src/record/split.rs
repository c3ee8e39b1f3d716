//! Finds the records in a block of a file and decodes them.
//!
//! Normally a record is a line. Several objects on a line and objects over several lines are found by
//! matching braces. An object that breaks off is one bad record, up to the line where the next object
//! begins, which is read as usual.

use std::{borrow::Cow, ops::Range};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::{
    RECORD_BYTES_MAX, RecordShape, careful,
    columns::RowBuffer,
    fast,
    reject::{Reason, Reject, excerpt},
};

/// Objects nested deeper than this are taken for ones that break off, so that looking for the end of
/// one stays cheap.
const DEPTH_MAX: usize = 200;

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
    bytes: &'a [u8],
    /// The same, with a question mark in the place of each byte that is no UTF-8.
    text: &'a str,
    /// Where in the bytes there is no UTF-8, in order.
    invalid: &'a [usize],
}

impl Block<'_> {
    /// The first byte of that range that is no UTF-8.
    fn first_invalid(&self, range: &Range<usize>) -> Option<usize> {
        let index = self.invalid.partition_point(|position| *position < range.start);
        self.invalid.get(index).copied().filter(|position| *position < range.end)
    }
}

/// Decodes blocks into one record batch.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    shape: &'a RecordShape,
    rows: RowBuffer,
    rejects: Vec<Reject>,
    /// Kept only on request: counting lines costs time.
    positions: Option<Vec<Position>>,
    /// How far lines have been counted in the present block, and the line of the file that is there.
    counted: (usize, u64),
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(shape: &'a RecordShape) -> Self {
        let rows = RowBuffer::new(shape);
        Self { shape, rows, rejects: Vec::new(), positions: None, counted: (0, 1) }
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

    /// Decodes all records of a block, which begins with that line of the file.
    pub(crate) fn decode(&mut self, file: usize, path: &str, first_line: u64, bytes: &[u8]) {
        let (text, invalid) = match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), Vec::new()),
            Err(_) => {
                let (text, invalid) = mark_invalid(bytes);
                (Cow::Owned(text), invalid)
            }
        };
        self.counted = (0, first_line);
        self.decode_text(Block { file, path, bytes, text: &text, invalid: &invalid });
    }

    fn decode_text(&mut self, block: Block<'_>) {
        let bytes = block.text.as_bytes();
        // Rare enough to look for it once per block, and in each text only when it is there.
        let has_nul = memmem::find(bytes, b"\\u0000").is_some();
        let mut position = 0;
        while position < bytes.len() {
            let line_end = memchr(b'\n', &bytes[position..]).map_or(bytes.len(), |n| position + n);
            let line = position..line_end;
            let text = &block.text[line.clone()];
            if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
                position = line_end + 1;
            } else if text.len() <= RECORD_BYTES_MAX
                && block.first_invalid(&line).is_none()
                && fast::decode(self.shape, text, has_nul, &mut self.rows)
            {
                self.accept(block, position);
                position = line_end + 1;
            } else {
                position = self.decode_carefully(block, line);
            }
        }
    }

    /// Decodes what begins with a line that the fast path gave up on, and returns where to go on.
    fn decode_carefully(&mut self, block: Block<'_>, line: Range<usize>) -> usize {
        let bytes = block.text.as_bytes();
        let mut start = line.start + leading_blanks(&bytes[line.clone()]);
        let mut records = Vec::new();
        // One object, or several in a row; the last may go over several lines.
        while start < line.end {
            if let Some(length) = object_end(&bytes[start..]) {
                records.push(start..start + length);
                start += length;
                start += leading_blanks(&bytes[start..line.end.max(start)]);
            } else {
                // Not an object, or one without an end: the whole line is one bad record, together with
                // the other lines of an object that breaks off.
                let end = if bytes[start] == b'{' { next_object(bytes, line.end) } else { line.end };
                records.clear();
                records.push(line.start..end);
                break;
            }
        }
        let end = records.last().map_or(line.end, |record| record.end);
        for record in records {
            self.decode_record(block, record);
        }
        // The newline belongs to the line; an object over several lines may be followed by another one.
        if end >= line.end && bytes.get(end) != Some(&b'\n') { end } else { end.max(line.end) + 1 }
    }

    fn decode_record(&mut self, block: Block<'_>, record: Range<usize>) {
        let text = &block.text[record.clone()];
        if text.len() > RECORD_BYTES_MAX {
            self.reject(block, record.start, None, Reason::RecordTooLong, excerpt(text));
        } else if let Some(invalid) = block.first_invalid(&record) {
            let line = line_around(block.bytes, invalid);
            let value = excerpt(&String::from_utf8_lossy(&block.bytes[line]));
            self.reject(block, invalid, None, Reason::InvalidUtf8, value);
        } else {
            match careful::decode(self.shape, text, &mut self.rows) {
                Ok(()) => self.accept(block, record.start),
                Err(fault) => {
                    let offset = record.start + fault.offset;
                    self.reject(block, offset, fault.field, fault.reason, fault.value);
                }
            }
        }
    }

    fn accept(&mut self, block: Block<'_>, offset: usize) {
        if self.positions.is_some() {
            let position = Position { file: block.file, line: self.line_of(block, offset) };
            self.positions.get_or_insert_default().push(position);
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
        let line_start = memrchr(b'\n', &block.bytes[..offset]).map_or(0, |newline| newline + 1);
        let line = self.line_of(block, offset);
        let column = (offset - line_start + 1) as u64;
        let path = block.path.to_owned();
        self.rejects.push(Reject { path, line, column, field, reason, value, engine: None });
    }

    /// The line of the file at that byte of the block. Asked for in order, a block is counted once.
    fn line_of(&mut self, block: Block<'_>, offset: usize) -> u64 {
        let (counted, line) = self.counted;
        let line = if offset >= counted {
            line + count_lines(&block.bytes[counted..offset])
        } else {
            line - count_lines(&block.bytes[offset..counted])
        };
        self.counted = (offset, line);
        line
    }
}

/// The number of newlines.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// The bytes as text of the same length, with a question mark for each byte that is no UTF-8, and where
/// those are.
fn mark_invalid(bytes: &[u8]) -> (String, Vec<usize>) {
    let (mut text, mut invalid) = (String::with_capacity(bytes.len()), Vec::new());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            invalid.push(text.len());
            text.push('?');
        }
    }
    (text, invalid)
}

fn line_around(bytes: &[u8], position: usize) -> Range<usize> {
    let start = memrchr(b'\n', &bytes[..position]).map_or(0, |newline| newline + 1);
    let end = memchr(b'\n', &bytes[position..]).map_or(bytes.len(), |newline| position + newline);
    start..end
}

fn leading_blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Whether a brace after that byte begins an object inside of another one.
const fn goes_on_after(byte: u8) -> bool {
    matches!(byte, b':' | b',' | b'[')
}

/// The length of the object that the bytes begin with; `None` if it has no end, is too long, or is none.
fn object_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let (mut depth, mut in_text, mut escaped, mut previous) = (0_usize, false, false, b':');
    for (index, byte) in bytes.iter().enumerate().take(RECORD_BYTES_MAX) {
        match byte {
            // JSON has no raw newline in a text, not even after a backslash: this one was never closed.
            b'\n' if in_text => return None,
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            // The next record: this one was never closed.
            b'{' if !goes_on_after(previous) => return None,
            b'{' | b'[' if depth == DEPTH_MAX => return None,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = *byte;
        }
    }
    None
}

/// The end of the last of the whole objects that the bytes begin with.
pub(crate) fn whole_objects_end(bytes: &[u8]) -> Option<usize> {
    let (mut start, mut end) = (leading_blanks(bytes), None);
    while let Some(length) = object_end(&bytes[start..]) {
        end = Some(start + length);
        start += length;
        start += leading_blanks(&bytes[start..]);
    }
    end
}

/// Where the last record of the bytes begins: on a line of its own, after something that does not call
/// for an object. So no record of valid JSON is ever taken apart.
pub(crate) fn last_record_start(bytes: &[u8]) -> Option<usize> {
    let (mut next, mut newline) = (None, None);
    for (index, byte) in bytes.iter().enumerate().rev() {
        if *byte == b'\n' {
            newline = newline.or(Some(index));
        } else if !byte.is_ascii_whitespace() {
            if next == Some(b'{') && newline.is_some() && !goes_on_after(*byte) {
                return newline.map(|newline| newline + 1);
            }
            (next, newline) = (Some(*byte), None);
        }
    }
    None
}

/// The end of what comes before the next object, without blanks, from a line that is not blank on. An
/// object in the first column is the next one in any case: what was before may have broken off anywhere.
fn next_object(bytes: &[u8], line_end: usize) -> usize {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let mut end = bytes[..line_end].iter().rposition(|byte| !blank(byte)).map_or(line_end, |last| last + 1);
    let mut newline = None;
    for (index, byte) in bytes.iter().enumerate().skip(line_end) {
        if *byte == b'\n' {
            newline = Some(index);
        } else if !blank(byte) {
            if *byte == b'{'
                && let Some(newline) = newline
                && (newline + 1 == index || !goes_on_after(bytes[end - 1]))
            {
                return end;
            }
            (end, newline) = (index + 1, None);
        }
    }
    end
}

#[cfg(test)]
mod tests;
