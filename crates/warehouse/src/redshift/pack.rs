//! Record batches to a few compressed files that the slices of a cluster read at the same time.
//!
//! Compressed files are never split, so there must be as many as there are slices, or a multiple of it, of
//! about the same size. A set of files, one a slice, is open at a time, and the rows of each batch are dealt out
//! to all of them. When the set has its size, it is written while the next one is filled; so memory is bounded by
//! two sets for each append, and by the batches in work.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, TryStreamExt, stream, stream::FuturesUnordered};
use object_store::{PutPayload, PutPayloadMut, path::Path};

use super::{
    encode::{self, Lines},
    pool::COPIES,
    staging::Area,
};
use crate::{BatchSource, Error, Result, wire::Entry};

/// Open files at once: each has a compressor, which takes about 300 kB. More slices share files.
const OPEN_FILES_MAX: usize = 128;

/// All files in memory of a load have at most about so many bytes, those that are being written included.
const LOAD_BYTES_MAX: usize = 128 << 20;

/// The most compressed bytes of a packed file: what the files of a small cluster, which has two slices, may have.
pub(super) const FILE_BYTES_MAX: usize = LOAD_BYTES_MAX / COPIES / SETS / 2;

/// Sets of an append in memory: one that is filled, and one that is written.
const SETS: usize = 2;

/// So much of a batch, in rows or bytes, goes to one file at least: fewer files are better than tiny ones.
const PART_ROWS: usize = 16;
const PART_BYTES: usize = 64 << 10;

/// What the content of a file grows by.
const BLOCK_BYTES: usize = 64 << 10;

/// Files that are written at once.
const UPLOADS: usize = 8;

/// How to pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Files that are open at once.
    files: usize,
    /// The compressed size at which a set of them ends.
    set_bytes: usize,
    /// Threads that read and compress.
    workers: usize,
}

impl Shape {
    /// For a cluster of so many slices, and files that end at so many bytes.
    pub(super) fn for_slices(slices: usize, file_bytes: usize) -> Self {
        let files = slices.clamp(1, OPEN_FILES_MAX);
        let set_bytes = file_bytes.saturating_mul(files).min(LOAD_BYTES_MAX / COPIES / SETS);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { files, set_bytes, workers: cores.clamp(1, 8) + 1 }
    }

    /// To how many files a batch is dealt out.
    fn parts(&self, lines: &Lines) -> usize {
        let most = (lines.rows() / PART_ROWS).max(lines.bytes.len() / PART_BYTES).max(1);
        most.min(self.files).min(lines.rows().max(1))
    }
}

/// The bytes in memory of all appends of a load.
#[derive(Debug, Default)]
pub(super) struct Memory {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Memory {
    fn add(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The most that there were at once.
    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// What was packed.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) rows: u64,
    /// The compressed bytes.
    pub(super) bytes: u64,
    /// The files.
    pub(super) objects: Vec<Path>,
}

/// Bytes in blocks: to grow costs no copy, and no more room than there is to fill.
struct Blocks(PutPayloadMut);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is filled.
struct File {
    encoder: GzEncoder<Blocks>,
    rows: u64,
}

impl File {
    fn new() -> Self {
        let blocks = Blocks(PutPayloadMut::new().with_block_size(BLOCK_BYTES));
        Self { encoder: GzEncoder::new(blocks, Compression::fast()), rows: 0 }
    }

    fn bytes(&self) -> usize {
        self.encoder.get_ref().0.content_length()
    }
}

/// The files that are open, one a slice. One is made when it gets its first row.
struct Set {
    files: Vec<Mutex<Option<File>>>,
    bytes: AtomicUsize,
}

impl Set {
    fn new(files: usize) -> Self {
        Self { files: (0..files).map(|_| Mutex::new(None)).collect(), bytes: AtomicUsize::new(0) }
    }
}

/// A file that is full, and its rows.
type Full = (PutPayload, u64);

/// What all workers share.
struct Packer {
    source: Arc<dyn BatchSource>,
    names: Vec<String>,
    shape: Shape,
    set: RwLock<Set>,
    /// Who has it writes a set; the others may fill the next one, until that is full as well.
    writing: tokio::sync::Mutex<()>,
    /// The file whose turn it is.
    turn: AtomicUsize,
    area: Area,
    folder: String,
    numbers: AtomicUsize,
    memory: Arc<Memory>,
}

/// Where packed files go.
pub(super) struct Place<'a> {
    pub(super) area: &'a Area,
    pub(super) folder: &'a str,
}

/// Writes all batches of the source to files in the folder of the load.
pub(super) async fn pack(
    source: Arc<dyn BatchSource>,
    names: Vec<String>,
    shape: Shape,
    place: Place<'_>,
    memory: &Arc<Memory>,
    entry: &Entry,
) -> Result<Packed> {
    let packer = Arc::new(Packer {
        source,
        names,
        shape,
        set: RwLock::new(Set::new(shape.files)),
        writing: tokio::sync::Mutex::default(),
        turn: AtomicUsize::new(0),
        area: place.area.clone(),
        folder: place.folder.to_owned(),
        numbers: AtomicUsize::new(0),
        memory: Arc::clone(memory),
    });
    let workers: FuturesUnordered<_> = (0..shape.workers).map(|_| work(Arc::clone(&packer), entry)).collect();
    let mut packed = workers
        .try_fold(Packed::default(), async |mut all, part| {
            all.rows += part.rows;
            all.bytes += part.bytes;
            all.objects.extend(part.objects);
            Ok(all)
        })
        .await?;
    packer.write_set(&mut packed).await?;
    packed.objects.sort();
    Ok(packed)
}

/// Packs until the source has no more.
async fn work(packer: Arc<Packer>, entry: &Entry) -> Result<Packed> {
    let mut packed = Packed::default();
    loop {
        if entry.is_interrupted() {
            return Err(Error::Interrupted);
        }
        let reading = Arc::clone(&packer);
        let Some(lines) = blocking(move || reading.read()).await? else { return Ok(packed) };
        packer.make_room(&lines, &mut packed).await?;
        let filling = Arc::clone(&packer);
        blocking(move || filling.fill(&lines)).await?;
    }
}

impl Packer {
    /// Takes a batch; `None` if there are no more.
    fn read(&self) -> Result<Option<Lines>> {
        let Some(batch) = self.source.next_batch().map_err(Error::Source)? else { return Ok(None) };
        let lines = encode::encode(&batch, &self.names).map_err(Error::Source)?;
        self.memory.add(lines.bytes.len());
        Ok(Some(lines))
    }

    /// Whether the set has its size. A new one begins with a batch that goes to all of its files, so that
    /// there are no fewer in the last one; but that is not waited for too long.
    fn is_full(&self, lines: &Lines) -> bool {
        let bytes = self.set.read().unwrap_or_else(PoisonError::into_inner).bytes.load(Ordering::Relaxed);
        let (limit, is_for_all) = (self.shape.set_bytes, self.shape.parts(lines) == self.shape.files);
        bytes >= limit && (is_for_all || bytes >= limit + limit / 2)
    }

    /// Writes the set if it is full. Waits while the one before is being written.
    async fn make_room(&self, lines: &Lines, packed: &mut Packed) -> Result<()> {
        if !self.is_full(lines) {
            return Ok(());
        }
        let _writing = self.writing.lock().await;
        // Another worker may have written it meanwhile.
        if self.is_full(lines) { self.write_set(packed).await } else { Ok(()) }
    }

    /// Deals a batch out: each file gets as many rows, and what cannot be divided goes to each in turn.
    fn fill(&self, lines: &Lines) -> Result<()> {
        let parts = self.shape.parts(lines);
        let (rows, rest) = (lines.rows() / parts, lines.rows() % parts);
        let advance = if parts == self.shape.files { rest } else { parts };
        let turn = self.turn.fetch_add(advance, Ordering::Relaxed);
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let mut first = 0;
        for part in 0..parts {
            let rows = rows + usize::from(part < rest);
            if rows == 0 {
                continue;
            }
            let index = turn.wrapping_add(part) % self.shape.files;
            let mut slot = set.files[index].lock().unwrap_or_else(PoisonError::into_inner);
            let file = slot.get_or_insert_with(File::new);
            let before = file.bytes();
            file.encoder
                .write_all(lines.part(first, rows))
                .map_err(|error| Error::Internal(error.to_string()))?;
            file.rows += rows as u64;
            let grown = file.bytes() - before;
            drop(slot);
            set.bytes.fetch_add(grown, Ordering::Relaxed);
            self.memory.add(grown);
            first += rows;
        }
        self.memory.remove(lines.bytes.len());
        Ok(())
    }

    /// Opens a new set, and writes the files of the old one.
    async fn write_set(&self, packed: &mut Packed) -> Result<()> {
        let new = Set::new(self.shape.files);
        let old = std::mem::replace(&mut *self.set.write().unwrap_or_else(PoisonError::into_inner), new);
        let files = old
            .files
            .into_iter()
            .filter_map(|file| file.into_inner().unwrap_or_else(PoisonError::into_inner));
        let files: Vec<_> = files.collect();
        let memory = Arc::clone(&self.memory);
        let full =
            blocking(move || files.into_iter().map(|file| finish(file, &memory)).collect::<Result<Vec<_>>>());
        let written: Vec<_> = stream::iter(full.await?)
            .map(|full| self.upload(full))
            .buffer_unordered(UPLOADS)
            .try_collect()
            .await?;
        for (path, bytes, rows) in written {
            packed.rows += rows;
            packed.bytes += bytes as u64;
            packed.objects.push(path);
        }
        Ok(())
    }

    async fn upload(&self, (content, rows): Full) -> Result<(Path, usize, u64)> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let path = self.area.path(&self.folder, &format!("part-{number:05}.json.gz"));
        let bytes = content.content_length();
        self.area.put(&path, content).await?;
        self.memory.remove(bytes);
        Ok((path, bytes, rows))
    }
}

/// The content of a file, with what the compressor still held.
fn finish(file: File, memory: &Memory) -> Result<Full> {
    let (before, rows) = (file.bytes(), file.rows);
    let blocks = file.encoder.finish().map_err(|error| Error::Internal(error.to_string()))?;
    memory.add(blocks.0.content_length() - before);
    Ok((blocks.0.freeze(), rows))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

#[cfg(test)]
mod tests;
