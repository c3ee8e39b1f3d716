//! One file, read block by block.

use std::io::{self, BufRead, BufReader, Read};

use memchr::{memchr, memrchr};

use super::content_hash::{Hashing, SharedHasher};
use crate::{
    error::{SourceError, SourceProblem},
    record::{RECORD_BYTES_MAX, Reason, Reject, count_lines, excerpt, last_record_start, whole_objects_end},
    source::{Compression, Content, SourceFile},
};

/// How much is read at a time.
pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes of an over-long record that are shown.
const SHOWN_BYTES: usize = 80;

/// A part of a file that begins and ends between records.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) file: usize,
    /// Line in the file, from 1.
    pub(super) first_line: u64,
    pub(super) bytes: Vec<u8>,
    /// A record that is too long to be read at all.
    pub(super) too_long: Option<Box<Reject>>,
}

/// A file of which the beginning has been read.
pub(super) struct OpenFile {
    index: usize,
    block_bytes: usize,
    content: Box<dyn BufRead + Send>,
    hasher: SharedHasher,
    reported: u64,
    /// What was read and belongs to the next block.
    rest: Vec<u8>,
    line: u64,
    begun: bool,
    ended: bool,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("index", &self.index)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// The content as it was before it was compressed.
pub(crate) fn decompressed(
    raw: impl Read + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(match compression {
        // Reads of a block are larger than this buffer and go past it.
        Compression::None => Box::new(BufReader::new(raw)),
        Compression::Gzip => Box::new(BufReader::with_capacity(
            BLOCK_BYTES / 8,
            flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BLOCK_BYTES / 8, raw)),
        )),
        Compression::Zstd => {
            let decoder = zstd::stream::read::Decoder::new(raw)?;
            Box::new(BufReader::with_capacity(BLOCK_BYTES / 8, decoder))
        }
    })
}

impl OpenFile {
    pub(super) fn new(
        index: usize,
        file: &SourceFile,
        content: Content,
        block_bytes: usize,
    ) -> Result<Self, SourceError> {
        let hasher = SharedHasher::new();
        let raw = Hashing { inner: content, hasher: hasher.clone() };
        let content =
            decompressed(raw, file.compression).map_err(|error| SourceError::io(file.path.clone(), error))?;
        Ok(Self {
            index,
            block_bytes,
            content,
            hasher,
            reported: 0,
            rest: Vec::new(),
            line: 1,
            begun: false,
            ended: false,
        })
    }

    pub(super) const fn index(&self) -> usize {
        self.index
    }

    /// The hash of the content, once all of it has been read.
    pub(super) fn content_hash(&self) -> Option<String> {
        self.ended.then(|| self.hasher.finish())
    }

    /// The stored bytes read since the last call.
    pub(super) fn take_bytes_read(&mut self) -> u64 {
        let total = self.hasher.length();
        total - std::mem::replace(&mut self.reported, total)
    }

    /// The next block; `None` if the file ended without one.
    pub(super) fn next_block(&mut self, file: &SourceFile) -> Result<Option<Block>, SourceError> {
        let mut bytes = std::mem::take(&mut self.rest);
        if !self.begun {
            // One byte more than the file has, so that its end is noticed in the same read.
            let size = usize::try_from(file.size).unwrap_or(usize::MAX);
            bytes.reserve(self.block_bytes.min(size.saturating_add(1)));
        }
        loop {
            let read = (&mut self.content)
                .take(self.block_bytes as u64)
                .read_to_end(&mut bytes)
                .map_err(|error| read_failed(file, error))?;
            let full = read == self.block_bytes;
            if !self.begun && (bytes.len() >= BYTE_ORDER_MARK.len() || !full) {
                self.begun = true;
                if bytes.starts_with(BYTE_ORDER_MARK) {
                    bytes.drain(..BYTE_ORDER_MARK.len());
                }
            }
            if !full {
                self.ended = true;
                return Ok((!bytes.is_empty()).then(|| self.block(bytes, None)));
            }
            if let Some(cut) = last_record_start(&bytes).or_else(|| cut_anyway(&bytes)) {
                self.rest = bytes.split_off(cut);
                return Ok(Some(self.block(bytes, None)));
            }
            if bytes.len() > RECORD_BYTES_MAX {
                return self.skip_long_record(file, &bytes).map(Some);
            }
        }
    }

    /// Skips a record that is too long, of which the beginning is given, up to its newline.
    fn skip_long_record(&mut self, file: &SourceFile, beginning: &[u8]) -> Result<Block, SourceError> {
        let shown = String::from_utf8_lossy(&beginning[..SHOWN_BYTES]);
        let too_long = Reject {
            path: file.path.clone(),
            line: self.line,
            column: 1,
            field: None,
            reason: Reason::RecordTooLong,
            // A character at its end may have been cut in two.
            value: excerpt(shown.trim_end_matches('\u{fffd}')) + "…",
            engine: None,
        };
        let block = self.block(Vec::new(), Some(Box::new(too_long)));
        loop {
            let buffer = self.content.fill_buf().map_err(|error| read_failed(file, error))?;
            if buffer.is_empty() {
                self.ended = true;
                return Ok(block);
            }
            if let Some(newline) = memchr(b'\n', buffer) {
                self.content.consume(newline + 1);
                self.line += 1;
                return Ok(block);
            }
            let length = buffer.len();
            self.content.consume(length);
        }
    }

    fn block(&mut self, bytes: Vec<u8>, too_long: Option<Box<Reject>>) -> Block {
        let first_line = self.line;
        if !self.ended {
            self.line += count_lines(&bytes);
        }
        Block { file: self.index, first_line, bytes, too_long }
    }
}

/// Where to cut when so much has been read that the first record would be too long: after objects that
/// stand on one line, or at any line.
fn cut_anyway(bytes: &[u8]) -> Option<usize> {
    if bytes.len() <= RECORD_BYTES_MAX {
        return None;
    }
    whole_objects_end(bytes).or_else(|| memrchr(b'\n', bytes).map(|newline| newline + 1))
}

fn read_failed(file: &SourceFile, error: io::Error) -> SourceError {
    // What the source says goes through decompressors as an error of theirs.
    let error = match error.downcast::<SourceError>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    let format = match file.compression {
        Compression::None => return SourceError::io(file.path.clone(), error),
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    };
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => SourceProblem::Truncated(format),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            SourceProblem::Corrupt(format)
        }
        _ => return SourceError::io(file.path.clone(), error),
    };
    SourceError { source: Some(Box::new(error)), ..SourceError::new(file.path.clone(), problem) }
}
