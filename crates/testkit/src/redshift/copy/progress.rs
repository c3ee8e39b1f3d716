//! How far a COPY is, and what it found.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use super::{convert::Unfit, parse::CopyStatement};
use crate::redshift::{history::now_us, lock};

/// How far a COPY is, as the system tables show it.
#[derive(Debug, Default)]
pub(in crate::redshift) struct Progress {
    table: String,
    table_id: i64,
    source: String,
    file_count: usize,
    pub(super) rows: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) compressed_bytes: AtomicU64,
    files: Mutex<Vec<Value>>,
    errors: Mutex<Vec<Value>>,
    error_count: AtomicU64,
}

/// A bad record.
#[derive(Debug, Clone)]
pub(super) struct BadRecord {
    pub(super) file: String,
    pub(super) line: u64,
    /// Name, type and length of the column, if it is one value that is bad.
    pub(super) column: Option<(String, String, usize)>,
    pub(super) unfit: Unfit,
}

/// The system tables show no more errors of one COPY than this.
const MOST_ERRORS: usize = 1000;

impl Progress {
    pub(super) fn new(statement: &CopyStatement, table_id: i64, file_count: usize) -> Self {
        let (table, source) = (statement.table_name.clone(), statement.source.clone());
        Self { table, table_id, source, file_count, ..Self::default() }
    }

    pub(super) fn add_file(&self, url: &str, lines: u64, bytes: u64, etag: &str, last_modified: &str) {
        lock(&self.files).push(json!({
            "file_name": url,
            "bytes_scanned": bytes,
            "lines_scanned": lines,
            "splits_scanned": 1,
            "record_us": now_us(),
            "file_etag": etag,
            "file_last_modified": last_modified.trim_end_matches(" GMT"),
        }));
    }

    /// Notes a bad record; how many there are by now.
    pub(super) fn add_error(&self, bad: &BadRecord) -> u64 {
        let mut errors = lock(&self.errors);
        if errors.len() < MOST_ERRORS {
            let (name, data_type, length) = bad.column.clone().unwrap_or_default();
            errors.push(json!({
                "table_id": self.table_id,
                "file_name": bad.file,
                "line_number": bad.line,
                "column_name": name,
                "column_type": data_type,
                "column_length": length.to_string(),
                "position": bad.unfit.position,
                "error_code": bad.unfit.code,
                "error_message": bad.unfit.message,
            }));
        }
        self.error_count.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn error_count(&self) -> u64 {
        self.error_count.load(Ordering::Relaxed)
    }

    /// The row of `sys_load_history`.
    pub(in crate::redshift) fn summary(&self, status: &str) -> Value {
        let rows = if status == "aborted" { 0 } else { self.rows.load(Ordering::Relaxed) };
        let scanned = lock(&self.files).len();
        json!({
            "status": status,
            "table_name": self.table,
            "data_source": self.source,
            "file_format": "JSON",
            "loaded_rows": rows,
            "loaded_bytes": self.bytes.load(Ordering::Relaxed),
            "source_file_count": self.file_count,
            "source_file_bytes": self.compressed_bytes.load(Ordering::Relaxed),
            "file_count_scanned": scanned,
            "file_bytes_scanned": self.compressed_bytes.load(Ordering::Relaxed),
            "error_count": self.error_count(),
        })
    }

    /// The rows of `sys_load_detail`.
    pub(in crate::redshift) fn files(&self) -> Vec<Value> {
        lock(&self.files).clone()
    }

    /// The rows of `sys_load_error_detail`.
    pub(in crate::redshift) fn errors(&self) -> Vec<Value> {
        lock(&self.errors).clone()
    }
}
