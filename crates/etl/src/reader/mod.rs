//! Reads many files in parallel into record batches.
//!
//! Whoever calls [`RecordReader::next_batch`] does the work on its own thread: it takes a block of a
//! file, decodes it, and goes on until the batch is full. A large file is read block by block, and its
//! blocks are decoded by different threads; many small files share a batch. Memory is bounded by the
//! blocks and the batch of each thread, whatever the size of the input.

mod content_hash;
mod file;

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
pub(crate) use content_hash::hash_content;
use sparkify_warehouse::{BatchSource, BoxError};

pub(crate) use self::file::{BLOCK_BYTES, decompressed};
use self::file::{Block, OpenFile};
use crate::{
    Cancel, Error, Progress,
    error::SourceError,
    record::{Decoder, Position, RecordShape, Reject},
    source::{FileFeed, Source, SourceFile},
};

/// A batch ends when it has this many rows …
const BATCH_ROWS: usize = 8192;
/// … or this many bytes.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Rejects beyond the allowed number that are collected before reading stops, so that a user sees
/// several at once.
const REJECTS_SHOWN: u64 = 20;

/// What came of a file.
#[derive(Debug, Default)]
pub(crate) struct FileOutcome {
    pub(crate) records: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) content_hash: OnceLock<String>,
}

/// The rejects of a run, over all its readers.
#[derive(Debug)]
pub(crate) struct RejectLog {
    allowed: u64,
    count: AtomicU64,
    /// `None` where they are known already.
    rejects: Option<Mutex<Vec<Reject>>>,
}

impl RejectLog {
    pub(crate) fn new(allowed: u64) -> Self {
        Self { allowed, count: AtomicU64::new(0), rejects: Some(Mutex::default()) }
    }

    /// For files whose rejects are known: any number is allowed, and none is kept.
    pub(crate) const fn forgetful() -> Self {
        Self { allowed: u64::MAX, count: AtomicU64::new(0), rejects: None }
    }

    pub(crate) fn add(&self, rejects: Vec<Reject>) {
        self.count.fetch_add(rejects.len() as u64, Ordering::SeqCst);
        if let Some(kept) = &self.rejects {
            lock(kept).extend(rejects);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) const fn allowed(&self) -> u64 {
        self.allowed
    }

    /// So many rejects that reading on would not tell anything new.
    pub(crate) fn is_full(&self) -> bool {
        self.count() >= self.allowed.saturating_add(REJECTS_SHOWN)
    }

    /// All rejects, sorted by place.
    pub(crate) fn sorted(&self) -> Vec<Reject> {
        let mut rejects = self.rejects.as_ref().map(|rejects| lock(rejects).clone()).unwrap_or_default();
        rejects.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        rejects
    }
}

/// Why a reader stopped before the end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("too many bad records")]
    TooManyRejects,
    #[error("stopped on request")]
    Cancelled,
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Source(error) => Self::Source(error),
            Stop::TooManyRejects => Self::Internal(stop.to_string()),
            Stop::Cancelled => Self::Cancelled,
            Stop::Internal(message) => Self::Internal(message),
        }
    }
}

#[derive(Debug)]
struct Queue {
    /// Files of which a part has been read.
    begun: Vec<OpenFile>,
    /// Threads that are reading a file just now and may put it back.
    reading: usize,
    exhausted: bool,
    /// Reading failed, so that no thread reads on.
    failed: bool,
}

/// The records of many files as record batches.
pub(crate) struct RecordReader {
    shape: Arc<RecordShape>,
    files: Arc<[SourceFile]>,
    outcomes: Vec<FileOutcome>,
    feed: Arc<dyn FileFeed>,
    queue: Mutex<Queue>,
    put_back: Condvar,
    block_bytes: usize,
    /// Whether only the first block of each file is read.
    beginnings: bool,
    rejects: Arc<RejectLog>,
    progress: Arc<Progress>,
    cancel: Cancel,
}

impl std::fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordReader").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl RecordReader {
    pub(crate) fn new(
        source: &dyn Source,
        shape: Arc<RecordShape>,
        files: Arc<[SourceFile]>,
        rejects: Arc<RejectLog>,
        progress: Arc<Progress>,
        cancel: Cancel,
    ) -> Self {
        Self {
            shape,
            outcomes: files.iter().map(|_| FileOutcome::default()).collect(),
            feed: source.feed(Arc::clone(&files), &cancel),
            files,
            queue: Mutex::new(Queue { begun: Vec::new(), reading: 0, exhausted: false, failed: false }),
            put_back: Condvar::new(),
            block_bytes: BLOCK_BYTES,
            beginnings: false,
            rejects,
            progress,
            cancel,
        }
    }

    /// The same, which ends each file after its first block.
    pub(crate) fn only_beginnings(mut self) -> Self {
        self.beginnings = true;
        self
    }

    /// The same, reading so much at a time.
    #[cfg(test)]
    fn with_block_bytes(mut self, block_bytes: usize) -> Self {
        self.block_bytes = block_bytes;
        self
    }

    /// The shape of its records.
    pub(crate) const fn shape(&self) -> &Arc<RecordShape> {
        &self.shape
    }

    /// Its files.
    pub(crate) const fn files(&self) -> &Arc<[SourceFile]> {
        &self.files
    }

    /// The files with what came of each.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&SourceFile, &FileOutcome)> {
        self.files.iter().zip(&self.outcomes)
    }

    /// Whether a thread waits for the source just now.
    pub(crate) fn is_reading(&self) -> bool {
        lock(&self.queue).reading > 0
    }

    /// The next batch with the place of each row.
    pub(crate) fn next_batch_with_positions(&self) -> Result<Option<(RecordBatch, Vec<Position>)>, Stop> {
        let mut decoder = Decoder::new(&self.shape).with_positions();
        self.fill(&mut decoder)?;
        if decoder.rows() == 0 {
            return Ok(None);
        }
        decoder.finish().map(Some).map_err(|error| Stop::Internal(error.to_string()))
    }

    fn fill(&self, decoder: &mut Decoder<'_>) -> Result<(), Stop> {
        while decoder.rows() < BATCH_ROWS && decoder.byte_size() < BATCH_BYTES {
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if self.rejects.is_full() {
                return Err(Stop::TooManyRejects);
            }
            let Some(block) = self.next_block()? else { break };
            let before = decoder.rows();
            decoder.decode(block.file, &self.files[block.file].path, block.first_line, &block.bytes);
            let accepted = (decoder.rows() - before) as u64;
            let mut rejects = decoder.take_rejects();
            rejects.extend(block.too_long.map(|reject| *reject));
            self.note(block.file, accepted + rejects.len() as u64, rejects);
        }
        Ok(())
    }

    fn note(&self, file: usize, records: u64, rejects: Vec<Reject>) {
        let outcome = &self.outcomes[file];
        outcome.records.fetch_add(records, Ordering::Relaxed);
        self.progress.add_records(records);
        if !rejects.is_empty() {
            outcome.rejected.fetch_add(rejects.len() as u64, Ordering::Relaxed);
            self.rejects.add(rejects);
        }
    }

    /// A block of some file; `None` when there will be no more for this thread.
    fn next_block(&self) -> Result<Option<Block>, Stop> {
        loop {
            let mut queue = lock(&self.queue);
            let file = loop {
                if queue.failed {
                    return Ok(None);
                }
                if let Some(file) = queue.begun.pop() {
                    queue.reading += 1;
                    break Some(file);
                }
                if !queue.exhausted {
                    queue.reading += 1;
                    break None;
                }
                if queue.reading == 0 {
                    return Ok(None);
                }
                // Another thread may put a file back that has more blocks.
                queue = self.put_back.wait(queue).unwrap_or_else(PoisonError::into_inner);
            };
            drop(queue);
            let reading = Reading(self);
            let result = self.read_block(file);
            let mut queue = lock(&self.queue);
            let block = match result {
                Ok(Read::Block(block, rest)) => {
                    queue.begun.extend(rest);
                    Ok(Some(block))
                }
                Ok(Read::Nothing) => Ok(None),
                Ok(Read::NoMoreFiles) => {
                    queue.exhausted = true;
                    Ok(None)
                }
                Err(error) => {
                    queue.failed = true;
                    Err(error)
                }
            };
            drop(queue);
            drop(reading);
            match block {
                Ok(Some(block)) => return Ok(Some(block)),
                Ok(None) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read_block(&self, begun: Option<OpenFile>) -> Result<Read, SourceError> {
        let mut file = match begun {
            Some(file) => file,
            None => match self.feed.next() {
                None => return Ok(Read::NoMoreFiles),
                Some((index, content)) => {
                    OpenFile::new(index, &self.files[index], content?, self.block_bytes)?
                }
            },
        };
        let index = file.index();
        let block = file.next_block(&self.files[index])?;
        self.progress.add_bytes(file.take_bytes_read());
        if let Some(hash) = file.content_hash() {
            // What the source says of the content can be compared without reading it.
            let hash = self.files[index].content_tag.clone().unwrap_or(hash);
            // Set once: a file ends once.
            let _ = self.outcomes[index].content_hash.set(hash);
            self.progress.add_file();
            return Ok(block.map_or(Read::Nothing, |block| Read::Block(block, None)));
        }
        Ok(block.map_or(Read::Nothing, |block| Read::Block(block, (!self.beginnings).then_some(file))))
    }
}

/// A thread that is reading a block. However it ends, the others learn of it.
struct Reading<'a>(&'a RecordReader);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.reading -= 1;
        queue.failed |= std::thread::panicking();
        drop(queue);
        self.0.put_back.notify_all();
    }
}

enum Read {
    /// A block, and the file if it has more.
    Block(Block, Option<OpenFile>),
    /// The file has ended.
    Nothing,
    NoMoreFiles,
}

impl BatchSource for RecordReader {
    fn schema(&self) -> SchemaRef {
        self.shape.schema()
    }

    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
        let mut decoder = Decoder::new(&self.shape);
        self.fill(&mut decoder)?;
        if decoder.rows() == 0 {
            return Ok(None);
        }
        Ok(Some(decoder.finish()?.0))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
