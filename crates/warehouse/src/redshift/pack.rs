//! Record batches to a few compressed files that the slices of a cluster read at the same time.
//!
//! Compressed files are never split, so there must be as many as there are slices, or a multiple of it, of
//! about the same size. The rows are dealt out in turn to as many open files; a file that has its size is
//! written and a new one opened. Memory is bounded by the open files, and by one more for each worker.

use std::{
    io::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, write::GzEncoder};
use futures_util::{TryStreamExt, stream::FuturesUnordered};
use object_store::path::Path;

use super::{encode, staging::Area};
use crate::{BatchSource, Error, Result, wire::Entry};

/// Open files at once; more would need too much memory.
const OPEN_FILES_MAX: usize = 16;

/// All open files together have at most so many bytes.
const OPEN_BYTES_MAX: usize = 128 << 20;

/// How to pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Files that are open at once.
    files: usize,
    /// The compressed size at which a file ends.
    file_bytes: usize,
    /// Threads that read and compress.
    workers: usize,
}

impl Shape {
    /// For a cluster of so many slices, and files that end at so many bytes.
    pub(super) fn for_slices(slices: usize, file_bytes: usize) -> Self {
        let files = slices.clamp(1, OPEN_FILES_MAX);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { files, file_bytes: file_bytes.min(OPEN_BYTES_MAX / files), workers: cores.clamp(1, 8) + 1 }
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

/// A file that is written.
struct File {
    encoder: GzEncoder<Vec<u8>>,
    rows: u64,
}

impl File {
    fn new() -> Self {
        Self { encoder: GzEncoder::new(Vec::new(), Compression::fast()), rows: 0 }
    }
}

/// The open files, shared by all workers.
struct Packer {
    source: Arc<dyn BatchSource>,
    names: Vec<String>,
    shape: Shape,
    files: Vec<Mutex<File>>,
    next: AtomicUsize,
    area: Area,
    folder: String,
    numbers: AtomicUsize,
}

/// Writes all batches of the source to files in the folder of the load.
pub(super) async fn pack(
    source: Arc<dyn BatchSource>,
    names: Vec<String>,
    shape: Shape,
    area: &Area,
    folder: &str,
    entry: &Entry,
) -> Result<Packed> {
    let packer = Arc::new(Packer {
        source,
        names,
        shape,
        files: (0..shape.files).map(|_| Mutex::new(File::new())).collect(),
        next: AtomicUsize::new(0),
        area: area.clone(),
        folder: folder.to_owned(),
        numbers: AtomicUsize::new(0),
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
    for file in 0..packer.files.len() {
        let closing = Arc::clone(&packer);
        let content = blocking(move || closing.close(file)).await?;
        packer.upload(content, &mut packed).await?;
    }
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
        let Some(step) = blocking(move || reading.step()).await? else { return Ok(packed) };
        packer.upload(step, &mut packed).await?;
    }
}

/// A full file and its rows, if one is full.
type Full = Option<(Vec<u8>, u64)>;

impl Packer {
    /// Takes a batch and writes it to the next file; `None` if there are no more batches.
    fn step(&self) -> Result<Option<Full>> {
        let Some(batch) = self.source.next_batch().map_err(Error::Source)? else { return Ok(None) };
        if batch.num_rows() == 0 {
            return Ok(Some(None));
        }
        let lines = encode::encode(&batch, &self.names).map_err(Error::Source)?;
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.files.len();
        let mut file = self.files[index].lock().unwrap_or_else(PoisonError::into_inner);
        file.encoder.write_all(&lines).map_err(|error| Error::Internal(error.to_string()))?;
        file.rows += batch.num_rows() as u64;
        if file.encoder.get_ref().len() < self.shape.file_bytes {
            return Ok(Some(None));
        }
        let full = std::mem::replace(&mut *file, File::new());
        drop(file);
        finish(full).map(Some)
    }

    fn close(&self, index: usize) -> Result<Full> {
        let mut file = self.files[index].lock().unwrap_or_else(PoisonError::into_inner);
        finish(std::mem::replace(&mut *file, File::new()))
    }

    async fn upload(&self, full: Full, packed: &mut Packed) -> Result<()> {
        let Some((content, rows)) = full else { return Ok(()) };
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let path = self.area.path(&self.folder, &format!("part-{number:05}.json.gz"));
        packed.rows += rows;
        packed.bytes += content.len() as u64;
        self.area.put(&path, content).await?;
        packed.objects.push(path);
        Ok(())
    }
}

fn finish(file: File) -> Result<Full> {
    if file.rows == 0 {
        return Ok(None);
    }
    let content = file.encoder.finish().map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some((content, file.rows)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, io::Read as _};

    use arrow_array::{Int64Array, RecordBatch};
    use arrow_schema::{DataType, Field, Schema, SchemaRef};
    use object_store::memory::InMemory;

    use super::*;
    use crate::{
        BoxError,
        redshift::{IamRole, PlainStageFaults, Staging},
        wire::Running,
    };

    #[derive(Debug)]
    struct Numbers(AtomicUsize, usize);

    const ROWS: usize = 500;

    impl BatchSource for Numbers {
        fn schema(&self) -> SchemaRef {
            Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]))
        }

        fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
            let batch = self.0.fetch_add(1, Ordering::SeqCst);
            if batch >= self.1 {
                return Ok(None);
            }
            let numbers = (batch * ROWS..(batch + 1) * ROWS).map(|n| n as i64);
            let array = Arc::new(Int64Array::from_iter_values(numbers));
            Ok(Some(RecordBatch::try_new(self.schema(), vec![array])?))
        }
    }

    fn area() -> Area {
        let staging = Staging {
            store: Arc::new(InMemory::new()),
            bucket: "b".to_owned(),
            prefix: "p".to_owned(),
            region: "us-west-2".to_owned(),
            role: IamRole::Default,
            faults: Arc::new(PlainStageFaults),
        };
        Area::new(staging, "db")
    }

    async fn packed(batches: usize, shape: Shape) -> (Packed, Vec<usize>) {
        let (area, running) = (area(), Arc::new(Running::new()));
        let source = Arc::new(Numbers(AtomicUsize::new(0), batches));
        let names = vec!["n".to_owned()];
        let packed = pack(source, names, shape, &area, "0-t", &running.enter(None)).await.unwrap();
        let (mut seen, mut sizes) = (BTreeSet::new(), Vec::new());
        for path in &packed.objects {
            let content = area.get(path).await.unwrap();
            sizes.push(content.len());
            let mut text = String::new();
            flate2::read::GzDecoder::new(&content[..]).read_to_string(&mut text).unwrap();
            for line in text.lines() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(seen.insert(value["n"].as_i64().unwrap()), "{line} twice");
            }
        }
        assert_eq!((seen.len(), packed.rows), (batches * ROWS, (batches * ROWS) as u64));
        assert_eq!(sizes.iter().sum::<usize>() as u64, packed.bytes);
        (packed, sizes)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_row_is_in_one_file_and_there_are_as_many_files_as_slices() {
        for slices in [1, 2, 4, 16] {
            let (packed, sizes) = packed(64, Shape::for_slices(slices, 16 << 20)).await;
            assert_eq!(packed.objects.len(), slices);
            let (smallest, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(largest < &(smallest * 2), "{sizes:?}");
        }
        assert_eq!(Shape::for_slices(1000, 16 << 20).files, OPEN_FILES_MAX);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_ends_when_it_has_its_size() {
        let shape = Shape { files: 2, file_bytes: 4096, workers: 3 };
        let (packed, sizes) = packed(400, shape).await;
        assert!(packed.objects.len() > 10, "{sizes:?}");
        // The encoder holds some back, and a batch is not divided.
        assert!(sizes.iter().all(|size| *size < 128 << 10), "{sizes:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_to_pack_makes_no_file() {
        assert!(packed(0, Shape::for_slices(2, 16 << 20)).await.0.objects.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn packing_can_be_interrupted() {
        let (area, running) = (area(), Arc::new(Running::new()));
        let entry = running.enter(None);
        running.interrupt();
        let source = Arc::new(Numbers(AtomicUsize::new(0), usize::MAX));
        let result =
            pack(source, vec!["n".to_owned()], Shape::for_slices(2, 16 << 20), &area, "0-t", &entry).await;
        assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    }
}
