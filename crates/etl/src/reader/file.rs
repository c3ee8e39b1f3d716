//! One file, read block by block.

use std::io::{self, BufRead, BufReader, Read};

use memchr::{memchr, memmem, memrchr};

use super::content_hash::{Hashing, SharedHasher};
use crate::{
    error::{SourceError, SourceProblem},
    record::{RECORD_BYTES_MAX, Reason, Reject, count_lines},
    source::{Compression, Content, SourceFile},
};

/// How much is read at a time.
const BLOCK_BYTES: usize = 1024 * 1024;
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
    pub(super) too_long: Option<Reject>,
}

/// A file of which the beginning has been read.
pub(super) struct OpenFile {
    index: usize,
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

impl OpenFile {
    pub(super) fn new(index: usize, file: &SourceFile, content: Content) -> Result<Self, SourceError> {
        let hasher = SharedHasher::new();
        let raw = Hashing { inner: content, hasher: hasher.clone() };
        let content: Box<dyn BufRead + Send> = match file.compression {
            // Reads of a block are larger than this buffer and go past it.
            Compression::None => Box::new(BufReader::new(raw)),
            Compression::Gzip => Box::new(BufReader::with_capacity(
                BLOCK_BYTES / 8,
                flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BLOCK_BYTES / 8, raw)),
            )),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(raw)
                    .map_err(|error| SourceError::io(file.path.clone(), error))?;
                Box::new(BufReader::with_capacity(BLOCK_BYTES / 8, decoder))
            }
        };
        Ok(Self {
            index,
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
            bytes
                .reserve(BLOCK_BYTES.min(usize::try_from(file.size).unwrap_or(usize::MAX).saturating_add(1)));
        }
        loop {
            let read = (&mut self.content)
                .take(BLOCK_BYTES as u64)
                .read_to_end(&mut bytes)
                .map_err(|error| read_failed(file, error))?;
            if !std::mem::replace(&mut self.begun, true) && bytes.starts_with(b"\xEF\xBB\xBF") {
                bytes.drain(..3);
            }
            if read < BLOCK_BYTES {
                self.ended = true;
                return Ok((!bytes.is_empty()).then(|| self.block(bytes, None)));
            }
            if let Some(cut) = last_record_start(&bytes) {
                self.rest = bytes.split_off(cut);
                return Ok(Some(self.block(bytes, None)));
            }
            if bytes.len() > RECORD_BYTES_MAX {
                return self.skip_long_record(file, bytes).map(Some);
            }
        }
    }

    /// A block with everything in front of a record that is too long, which is skipped up to its newline.
    fn skip_long_record(&mut self, file: &SourceFile, mut bytes: Vec<u8>) -> Result<Block, SourceError> {
        let long = memrchr(b'\n', &bytes).map_or(0, |newline| newline + 1);
        let line = self.line + count_lines(&bytes[..long]);
        let value =
            String::from_utf8_lossy(&bytes[long..bytes.len().min(long + SHOWN_BYTES)]).into_owned() + "…";
        let too_long = Reject {
            path: file.path.clone(),
            line,
            column: 1,
            field: None,
            reason: Reason::RecordTooLong,
            value,
        };
        bytes.truncate(long);
        let mut block = self.block(bytes, Some(too_long));
        block.bytes.shrink_to_fit();
        loop {
            let buffer = self.content.fill_buf().map_err(|error| read_failed(file, error))?;
            if buffer.is_empty() {
                self.ended = true;
                break;
            }
            if let Some(newline) = memchr(b'\n', buffer) {
                self.content.consume(newline + 1);
                self.line += 1;
                break;
            }
            let length = buffer.len();
            self.content.consume(length);
        }
        Ok(block)
    }

    fn block(&mut self, bytes: Vec<u8>, too_long: Option<Reject>) -> Block {
        let first_line = self.line;
        if !self.ended {
            self.line += count_lines(&bytes);
        }
        Block { file: self.index, first_line, bytes, too_long }
    }
}

/// Where the last record of the bytes begins: a line with a brace in its first column. An object written
/// over several lines has its other braces further in. Without such a line, any line will do.
fn last_record_start(bytes: &[u8]) -> Option<usize> {
    memmem::rfind(bytes, b"\n{")
        .or_else(|| memrchr(b'\n', bytes).filter(|_| bytes.len() > RECORD_BYTES_MAX / 2))
        .map(|newline| newline + 1)
}

fn read_failed(file: &SourceFile, error: io::Error) -> SourceError {
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
    SourceError { path: file.path.clone(), problem, source: Some(error) }
}
