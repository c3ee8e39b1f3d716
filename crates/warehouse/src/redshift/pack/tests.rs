use std::{collections::BTreeSet, io::Read as _, time::Duration};

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use object_store::{
    ObjectStore,
    memory::InMemory,
    throttle::{ThrottleConfig, ThrottledStore},
};

use super::*;
use crate::{
    BoxError,
    redshift::{IamRole, PlainStageFaults, Staging, staging::Home},
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

fn area(store: impl ObjectStore) -> Area {
    let staging = Staging {
        store: Arc::new(store),
        bucket: "b".to_owned(),
        prefix: "p".to_owned(),
        region: "us-west-2".to_owned(),
        role: IamRole::Default,
        faults: Arc::new(PlainStageFaults),
    };
    Area::new(staging, Home::with_id("db"))
}

async fn pack_into(area: &Area, batches: usize, shape: Shape, memory: &Arc<Memory>) -> Result<Packed> {
    let running = Arc::new(Running::new());
    let source = Arc::new(Numbers(AtomicUsize::new(0), batches));
    let place = Place { area, folder: "0-t" };
    pack(source, vec!["n".to_owned()], shape, place, memory, &running.enter(None)).await
}

/// What was packed, and the rows of each file.
async fn packed(batches: usize, shape: Shape) -> (Packed, Vec<usize>) {
    let (area, memory) = (area(InMemory::new()), Arc::new(Memory::default()));
    let packed = pack_into(&area, batches, shape, &memory).await.unwrap();
    let (mut seen, mut rows, mut bytes) = (BTreeSet::new(), Vec::new(), 0);
    for path in &packed.objects {
        let content = area.get(path).await.unwrap();
        bytes += content.len() as u64;
        let mut text = String::new();
        flate2::read::GzDecoder::new(&content[..]).read_to_string(&mut text).unwrap();
        rows.push(text.lines().count());
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(seen.insert(value["n"].as_i64().unwrap()), "{line} twice");
        }
    }
    assert_eq!((seen.len(), packed.rows), (batches * ROWS, (batches * ROWS) as u64));
    assert_eq!(bytes, packed.bytes);
    assert_eq!(memory.now.load(Ordering::Relaxed), 0, "nothing is left in memory");
    (packed, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_slice_gets_a_file_and_as_many_rows_however_few_batches_there_are() {
    for slices in [1, 2, 3, 4, 7] {
        for batches in [1, 2, 3, 64] {
            let (_, rows) = packed(batches, Shape::for_slices(slices, 16 << 20)).await;
            assert_eq!(rows.len(), slices, "{batches} batches");
            let (least, most) = (rows.iter().min().unwrap(), rows.iter().max().unwrap());
            assert!(most - least <= 1, "{rows:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slices_get_a_file_each_as_soon_as_there_are_enough_rows() {
    for slices in [16, 32, 48, 128] {
        let (_, rows) = packed(64, Shape::for_slices(slices, 16 << 20)).await;
        assert_eq!(rows.len(), slices);
        let (least, most) = (rows.iter().min().unwrap(), rows.iter().max().unwrap());
        assert!(most - least <= PART_ROWS + PART_ROWS / 2, "{rows:?}");
    }
    assert_eq!(Shape::for_slices(1000, 16 << 20).files, OPEN_FILES_MAX);
    let (_, rows) = packed(1, Shape::for_slices(128, 16 << 20)).await;
    assert_eq!(rows.len(), ROWS / PART_ROWS, "a few rows go to a few files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_ends_when_it_has_its_size_and_each_has_a_file_for_each_slice() {
    for files in [2, 3, 5] {
        let shape = Shape { files, set_bytes: 8192, workers: 3 };
        let (packed, rows) = packed(400, shape).await;
        assert!(packed.objects.len() > 2 * files, "{rows:?}");
        assert_eq!(packed.objects.len() % files, 0, "{rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_the_rows_take_no_more_memory_also_if_two_appends_wait_for_a_slow_store() {
    const SET: usize = 256 << 10;
    let shape = Shape { files: 4, set_bytes: SET, workers: 3 };
    let mut peaks = Vec::new();
    for batches in [800, 8_000] {
        let slow =
            ThrottleConfig { wait_put_per_call: Duration::from_millis(20), ..ThrottleConfig::default() };
        let area = area(ThrottledStore::new(InMemory::new(), slow));
        let memory = Arc::new(Memory::default());
        let (one, two) = tokio::join!(
            pack_into(&area, batches, shape, &memory),
            pack_into(&area, batches, shape, &memory)
        );
        assert_eq!(one.unwrap().rows + two.unwrap().rows, (2 * batches * ROWS) as u64);
        peaks.push(memory.peak());
    }
    // Two appends of two sets each, what their workers have in their hands, and what the compressors held back.
    let bound = 2 * (SETS * SET + shape.workers * ROWS * 16 + SETS * shape.files * BLOCK_BYTES);
    assert!(peaks.iter().all(|peak| *peak <= bound), "{peaks:?} of {bound}");
    assert!(peaks[0] > SET, "it was full at least once: {peaks:?}");
}

#[test]
fn the_appends_that_run_at_once_share_what_a_load_may_have_in_memory() {
    for (slices, file_bytes) in [(1, 1 << 30), (2, 16 << 20), (16, 16 << 20), (128, 16 << 20)] {
        let shape = Shape::for_slices(slices, file_bytes);
        assert!(COPIES * SETS * shape.set_bytes <= LOAD_BYTES_MAX);
    }
}

#[test]
fn every_size_of_a_file_is_kept_on_two_slices_and_more_of_them_share_the_memory() {
    for megabytes in 1..=FILE_BYTES_MAX >> 20 {
        let size = megabytes << 20;
        let per_file = |slices| {
            let shape = Shape::for_slices(slices, size);
            shape.set_bytes / shape.files
        };
        assert_eq!((per_file(1), per_file(2)), (size, size));
        assert_eq!(per_file(32), size.min(1 << 20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_pack_makes_no_file() {
    assert!(packed(0, Shape::for_slices(2, 16 << 20)).await.0.objects.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn packing_can_be_interrupted() {
    let (area, running) = (area(InMemory::new()), Arc::new(Running::new()));
    let entry = running.enter(None);
    running.interrupt();
    let source = Arc::new(Numbers(AtomicUsize::new(0), usize::MAX));
    let (place, memory) = (Place { area: &area, folder: "0-t" }, Arc::new(Memory::default()));
    let shape = Shape::for_slices(2, 16 << 20);
    let result = pack(source, vec!["n".to_owned()], shape, place, &memory, &entry).await;
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
}
