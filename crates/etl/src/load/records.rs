//! Small tables of our own as record batches.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use sparkify_schema::model::{DataType, Table};
use sparkify_warehouse::{BatchSource, BoxError};

use crate::{Error, Result};

/// A few batches, handed out once.
#[derive(Debug)]
pub(super) struct Batches {
    schema: SchemaRef,
    batches: Mutex<Vec<RecordBatch>>,
}

impl Batches {
    pub(super) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches: Mutex::new(batches) }
    }
}

impl BatchSource for Batches {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
        Ok(self.batches.lock().unwrap_or_else(PoisonError::into_inner).pop())
    }
}

enum Values {
    Texts(Vec<Option<String>>),
    Integers(Vec<Option<i64>>),
}

/// The rows of a table, given value by value in the order of its columns.
pub(super) struct Rows<'a> {
    table: &'a Table,
    columns: Vec<Values>,
    next: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        let columns = table.columns.iter().map(|column| match column.data_type {
            DataType::Varchar { .. } => Values::Texts(Vec::new()),
            _ => Values::Integers(Vec::new()),
        });
        Self { table, columns: columns.collect(), next: 0 }
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.optional_text(Some(value))
    }

    /// A text, cut to what the column holds.
    pub(super) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        let max = match self.table.columns[self.next].data_type {
            DataType::Varchar { max_bytes } => max_bytes as usize,
            _ => usize::MAX,
        };
        let value = value.map(|text| text[..text.floor_char_boundary(max)].to_owned());
        if let Values::Texts(values) = self.advance() {
            values.push(value);
        }
        self
    }

    pub(super) fn integer(&mut self, value: Option<i64>) -> &mut Self {
        if let Values::Integers(values) = self.advance() {
            values.push(value);
        }
        self
    }

    fn advance(&mut self) -> &mut Values {
        let column = self.next;
        self.next = (self.next + 1) % self.columns.len();
        &mut self.columns[column]
    }

    pub(super) fn finish(self) -> Result<Batches> {
        let internal = |error: arrow_schema::ArrowError| Error::Internal(error.to_string());
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (column, values) in self.table.columns.iter().zip(self.columns) {
            let (data_type, array): (_, ArrayRef) = match values {
                Values::Texts(values) => (ArrowType::Utf8, Arc::new(StringArray::from(values))),
                Values::Integers(values) => (ArrowType::Int64, Arc::new(Int64Array::from(values))),
            };
            fields.push(Field::new(column.name, data_type, !column.required));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(SchemaRef::clone(&schema), arrays).map_err(internal)?;
        Ok(Batches::new(schema, vec![batch]))
    }
}
