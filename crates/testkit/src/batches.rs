//! Record batches to append.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sparkify_warehouse::{BatchSource, BoxError};

/// Batches of numbers from 0 and their names, in columns `number` (BIGINT) and `name` (text): an even
/// number n is called `nN`, an odd one has no name.
#[derive(Debug)]
pub struct Numbers {
    next: AtomicUsize,
    batches: usize,
    rows: usize,
    fail_at: usize,
}

impl Numbers {
    /// So many batches of so many rows.
    #[must_use]
    pub fn new(batches: usize, rows: usize) -> Arc<Self> {
        Self::failing_at(batches, rows, usize::MAX)
    }

    /// The same, with an error instead of that batch.
    #[must_use]
    pub fn failing_at(batches: usize, rows: usize, fail_at: usize) -> Arc<Self> {
        Arc::new(Self { next: AtomicUsize::new(0), batches, rows, fail_at })
    }
}

impl BatchSource for Numbers {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("number", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]))
    }

    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
        let batch = self.next.fetch_add(1, Ordering::SeqCst);
        if batch == self.fail_at {
            return Err("broken source".into());
        }
        if batch >= self.batches {
            return Ok(None);
        }
        let first = batch * self.rows;
        let numbers: Vec<_> =
            (first..first + self.rows).map(|number| i64::try_from(number).expect("a number")).collect();
        let names: Vec<_> =
            numbers.iter().map(|number| (number % 2 == 0).then(|| format!("n{number}"))).collect();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(numbers)), Arc::new(StringArray::from(names))];
        Ok(Some(RecordBatch::try_new(self.schema(), columns)?))
    }
}

/// One batch, once.
#[derive(Debug)]
pub struct OneBatch {
    batch: RecordBatch,
    taken: AtomicUsize,
}

impl OneBatch {
    /// The batch of these columns, each of which may have NULLs.
    #[must_use]
    pub fn new(columns: Vec<(&str, ArrayRef)>) -> Arc<Self> {
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
        Arc::new(Self { batch, taken: AtomicUsize::new(0) })
    }

    /// The batch.
    #[must_use]
    pub const fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}

impl BatchSource for OneBatch {
    fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
        Ok((self.taken.fetch_add(1, Ordering::SeqCst) == 0).then(|| self.batch.clone()))
    }
}
