//! The rows of a query.

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use arrow_schema::{DataType, Field, SchemaRef};

use crate::Values;

/// The result of a query: a schema and its record batches.
#[derive(Debug, Clone)]
pub struct RecordSet {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl RecordSet {
    /// Batches that all have that schema.
    #[must_use]
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        Self { schema, batches }
    }

    /// Named columns, for results that no engine made.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Int64Array, StringArray};
    /// use sparkify_warehouse::RecordSet;
    ///
    /// let tables: ArrayRef = Arc::new(StringArray::from(vec!["songs", "users"]));
    /// let rows: ArrayRef = Arc::new(Int64Array::from(vec![71, 97]));
    /// let records = RecordSet::from_columns(vec![("table", tables), ("rows", rows)])?;
    /// assert_eq!(records.integer(1, 1), Some(97));
    /// # Ok::<(), sparkify_warehouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::Error::Internal`] when the columns have not the same length.
    pub fn from_columns(columns: Vec<(&str, ArrayRef)>) -> crate::Result<Self> {
        let batch =
            RecordBatch::try_from_iter(columns).map_err(|error| crate::Error::Internal(error.to_string()))?;
        Ok(Self::new(batch.schema(), vec![batch]))
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The rows as Arrow record batches, none of them empty.
    #[must_use]
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The value as text, the way it is shown to people; `None` for NULL, for a place outside and for what cannot be
    /// shown ([`Values`] says why).
    #[must_use]
    pub fn text(&self, row: usize, column: usize) -> Option<String> {
        let (field, array, row) = self.locate(row, column)?;
        if array.is_null(row) {
            return None;
        }
        Some(Values::new(field, array).ok()?.get(row).ok()?.to_string())
    }

    /// The value as an integer; `None` for NULL, for a place outside and for what is not a whole number.
    #[must_use]
    pub fn integer(&self, row: usize, column: usize) -> Option<i64> {
        let (_, array, row) = self.locate(row, column)?;
        if array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(row)),
            DataType::Int32 => Some(i64::from(array.as_primitive::<Int32Type>().value(row))),
            _ => self.text(row, column)?.parse().ok(),
        }
    }

    fn locate(&self, mut row: usize, column: usize) -> Option<(&Field, &dyn Array, usize)> {
        for batch in &self.batches {
            if row < batch.num_rows() {
                let field = batch.schema_ref().fields().get(column)?;
                return Some((field.as_ref(), batch.column(column).as_ref(), row));
            }
            row -= batch.num_rows();
        }
        None
    }
}
