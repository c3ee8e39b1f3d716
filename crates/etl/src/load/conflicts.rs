//! Two different events with the same key: a data error that is reported with file and line.
//!
//! Conflicts are rare, so the files are read again to find theirs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use sparkify_warehouse::LoadSession;

use super::{
    Readers, Run,
    deliveries::{self, Key, content},
    ledger_rows,
    records::Batches,
};
use crate::{
    Error, Result,
    error::During,
    plan::{Parameters, limited},
    record::{Reason, Reject},
};

/// Conflicting keys that are shown when there are more than can be set aside.
pub(crate) const KEYS_SHOWN: u64 = 20;

/// The statements that it takes.
pub(super) struct Sql {
    keys: String,
    staged: String,
    replace: String,
    count_rejected: String,
}

impl Sql {
    pub(super) fn render(run: &Run<'_>, parameters: &Parameters) -> Result<Self> {
        let render = |name| run.library.render(name, run.dialect, parameters.value());
        Ok(Self {
            keys: render("conflicting_keys")?,
            staged: render("staged_conflicts")?,
            replace: render("delete_conflicting_events")?,
            count_rejected: render("count_rejected")?,
        })
    }
}

/// Sets the conflicting events of the run aside, and returns how many.
///
/// Of an event that is staged, everything else that has its key goes; of others the first delivery by file and line
/// stays, and becomes the one that is kept of the repeated ones.
pub(super) async fn resolve(
    run: &Run<'_>,
    readers: &Readers,
    session: &mut dyn LoadSession,
    sql: &Sql,
) -> Result<u64> {
    let left = run.rejects.allowed().saturating_sub(run.rejects.count());
    // Each conflicting key makes at least one reject, so more keys than this cannot be set aside.
    let limit = left.saturating_add(KEYS_SHOWN);
    let found = session.query(&limited(&sql.keys, limit)).await.during("looking for conflicting events")?;
    let keys: HashSet<Key> = (0..found.row_count())
        .filter_map(|row| Some((found.integer(row, 0)?, found.integer(row, 1)?)))
        .collect();
    let staged = staged_contents(session, &sql.staged).await?;
    let deliveries = deliveries::find(run, readers, &keys).await?;

    let mut rejects = Vec::new();
    let mut kept = Vec::new();
    for (key, deliveries) in deliveries {
        let list = &deliveries.list[..];
        let (right, place) = match (staged.get(&key), list.first()) {
            (Some(content), _) => (content.as_str(), "was loaded by an earlier run".to_owned()),
            (None, Some(first)) => {
                kept.extend(deliveries.first);
                (&*first.content, format!("is at {}:{}", first.path, first.line))
            }
            (None, None) => continue,
        };
        for delivery in list.iter().filter(|delivery| &*delivery.content != right) {
            rejects.push(Reject {
                path: delivery.path.clone(),
                line: delivery.line,
                column: 1,
                field: None,
                reason: Reason::KeyConflict(place.clone()),
                value: format!("sessionId {}, itemInSession {}", key.0, key.1),
                engine: None,
            });
        }
    }
    for reject in &rejects {
        readers.note_reject(&reject.path);
    }
    run.rejects.add(rejects.clone());
    if run.rejects.count() > run.rejects.allowed() {
        return Err(run.bad_records(found.row_count() as u64 == limit));
    }
    session.execute(&sql.replace).await.during("setting conflicting events aside")?;
    if let Some(first) = kept.first() {
        let batches =
            Batches::new(kept_schema(&first.schema()), kept.iter().map(not_staged).collect::<Result<_>>()?);
        session
            .append("sparkify_run_kept_events", Arc::new(batches))
            .await
            .during("setting conflicting events aside")?;
    }
    ledger_rows::add_rejects(run, session, &rejects).await?;
    session.execute(&sql.count_rejected).await.during("setting conflicting events aside")?;
    Ok(rejects.len() as u64)
}

/// The schema of events with whether they are staged.
fn kept_schema(events: &Schema) -> SchemaRef {
    let staged = Arc::new(Field::new("staged", ArrowType::Int32, false));
    Arc::new(Schema::new(events.fields().iter().cloned().chain([staged]).collect::<Vec<_>>()))
}

/// An event that is not staged yet.
fn not_staged(event: &RecordBatch) -> Result<RecordBatch> {
    let staged: ArrayRef = Arc::new(Int32Array::from(vec![0; event.num_rows()]));
    let columns = event.columns().iter().cloned().chain([staged]).collect();
    RecordBatch::try_new(kept_schema(&event.schema()), columns)
        .map_err(|error| Error::Internal(error.to_string()))
}

/// The staged events of the keys, as comparable text.
async fn staged_contents(session: &mut dyn LoadSession, sql: &str) -> Result<HashMap<Key, String>> {
    let mut contents = HashMap::new();
    let records = session.query(sql).await.during("reading staged events")?;
    for batch in records.batches() {
        for (row, key) in deliveries::keys(batch)?.enumerate() {
            contents.insert(key, content(batch, row)?);
        }
    }
    Ok(contents)
}
