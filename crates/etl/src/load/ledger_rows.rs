//! What the ledger will say, put into tables of the run before the transaction that others wait for.

use std::sync::{Arc, atomic::Ordering};

use sparkify_schema::model::{RunTables, Table};
use sparkify_warehouse::{BatchSource, Fill, LoadSession};

use super::{
    Readers, Run,
    records::{Batches, Rows},
};
use crate::{Error, Result, error::During, record::Reject, source::SourceFile};

/// Writes the files that were read, the records that were set aside, and the present times of files whose content is
/// as it was.
pub(super) async fn prepare(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    readers: &Readers,
    touched: &[SourceFile],
) -> Result<()> {
    let mut tables: Vec<(String, Arc<dyn BatchSource>)> = Vec::new();
    let mut add = |table: &Table, batches: Batches| tables.push((table.name.to_owned(), Arc::new(batches)));
    if readers.outcomes().next().is_some() {
        let table = run_table("sparkify_run_loaded_files")?;
        add(&table, files(run, readers, &table)?);
    }
    let rejects = run.rejects.sorted();
    if !rejects.is_empty() {
        let table = run_table("sparkify_run_load_errors")?;
        add(&table, errors(run, &rejects, &table)?);
    }
    let times: Vec<_> = touched.iter().filter_map(|file| Some((&file.path, file.modified_ns?))).collect();
    if !times.is_empty() {
        let table = run_table("sparkify_run_file_times")?;
        let mut rows = Rows::new(&table);
        for (path, modified_ns) in times {
            rows.text(path).integer(Some(modified_ns));
        }
        add(&table, rows.finish()?);
    }
    if !tables.is_empty() {
        let fill = Fill { tables, ..Fill::default() };
        session.fill(fill).await.during("preparing the ledger")?;
    }
    Ok(())
}

/// The same for records that are set aside only while the run publishes.
pub(super) async fn add_rejects(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    rejects: &[Reject],
) -> Result<()> {
    let table = run_table("sparkify_run_load_errors")?;
    let rows = errors(run, rejects, &table)?;
    session.append(table.name, Arc::new(rows)).await.during("preparing the ledger")?;
    Ok(())
}

fn run_table(name: &str) -> Result<Table> {
    let found = RunTables::all().into_iter().find(|table| table.name == name);
    found.ok_or_else(|| Error::Internal(format!("there is no table {name}")))
}

fn files(run: &Run<'_>, readers: &Readers, table: &Table) -> Result<Batches> {
    let mut rows = Rows::new(table);
    for (file, outcome) in readers.outcomes() {
        let hash = outcome
            .content_hash
            .get()
            .ok_or_else(|| Error::Unreconciled(format!("{} was not read to its end", file.path)))?;
        rows.text(&file.path)
            .text(file.kind.name())
            .integer(Some(integer(file.size)))
            .integer(file.modified_ns)
            .text(hash)
            .integer(Some(integer(outcome.records.load(Ordering::Relaxed))))
            .integer(Some(integer(outcome.rejected.load(Ordering::Relaxed))))
            .text(&run.id);
    }
    rows.finish()
}

fn errors(run: &Run<'_>, rejects: &[Reject], table: &Table) -> Result<Batches> {
    let mut rows = Rows::new(table);
    for reject in rejects {
        rows.text(&run.id)
            .text(&reject.path)
            .integer(Some(integer(reject.line)))
            .integer(Some(integer(reject.column)))
            .optional_text(reject.field.as_deref())
            .text(&reject.reason.to_string())
            .text(&reject.value);
    }
    rows.finish()
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
