//! Which key of a source object goes into which column.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use sparkify_schema::model::{DataType, Table, staging_events, staging_songs};

use super::JsonPaths;

/// The shape of a record: the staging table it goes to and the key of each of its columns.
#[derive(Debug)]
pub struct RecordShape {
    table: &'static Table,
    keys: Vec<String>,
    by_key: HashMap<String, usize>,
    schema: SchemaRef,
}

impl RecordShape {
    /// Events of the log. A JSONPaths file, where there is one, states the key of each column.
    #[must_use]
    pub fn events(paths: Option<&JsonPaths>) -> Self {
        match paths {
            Some(paths) => Self::new(staging_events(), paths.keys().to_vec()),
            None => Self::new(staging_events(), Self::model_keys(staging_events())),
        }
    }

    /// Song metadata.
    #[must_use]
    pub fn songs() -> Self {
        Self::new(staging_songs(), Self::model_keys(staging_songs()))
    }

    fn model_keys(table: &Table) -> Vec<String> {
        table.columns.iter().map(|column| column.source_key.to_owned()).collect()
    }

    fn new(table: &'static Table, keys: Vec<String>) -> Self {
        let by_key = keys.iter().cloned().enumerate().map(|(index, key)| (key, index)).collect();
        let fields = table.columns.iter().map(|column| {
            let data_type = match column.data_type {
                DataType::Varchar { .. } => ArrowType::Utf8,
                DataType::Integer => ArrowType::Int32,
                DataType::BigInt | DataType::Timestamp => ArrowType::Int64,
                DataType::Double => ArrowType::Float64,
            };
            Field::new(column.name, data_type, !column.required)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { table, keys, by_key, schema }
    }

    /// The staging table.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// The Arrow schema of its batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The key of each column of the table, in their order.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The key of the column at that index.
    pub(super) fn key(&self, index: usize) -> &str {
        &self.keys[index]
    }

    /// The column of a key. `expected` is tried first: objects of one file mostly have one order.
    #[inline]
    pub(super) fn index_of(&self, key: &str, expected: usize) -> Option<usize> {
        if self.keys.get(expected).is_some_and(|k| k == key) {
            return Some(expected);
        }
        self.by_key.get(key).copied()
    }
}
