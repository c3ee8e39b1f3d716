//! Two different events with the same key: a data error that is reported with file and line.
//!
//! The batch does not note where a row came from, since that would cost time and room for every record.
//! Conflicts are rare, so the files are read a second time to find theirs.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, cast::AsArray, types::*};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use sparkify_warehouse::LoadSession;

use super::{Readers, Run, ledger_rows, records::Batches};
use crate::{
    Error, Result,
    error::During,
    plan::{Parameters, limited},
    record::{Reason, Reject},
    source::FileKind,
};

/// Conflicting keys that are shown when there are more than can be set aside.
pub(crate) const KEYS_SHOWN: u64 = 20;

type Key = (i64, i64);

/// A delivery of an event.
struct Delivery {
    path: String,
    line: u64,
    /// The event as text, the same for events that compare equal.
    content: String,
    row: RecordBatch,
}

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
    let deliveries = find(run, readers, &keys)?;

    let mut rejects = Vec::new();
    let mut kept = Vec::new();
    for (key, deliveries) in deliveries {
        let (right, place) = match (staged.get(&key), deliveries.first()) {
            (Some(content), _) => (content.clone(), "was loaded by an earlier run".to_owned()),
            (None, Some(first)) => {
                kept.push(first.row.clone());
                (first.content.clone(), format!("is at {}:{}", first.path, first.line))
            }
            (None, None) => continue,
        };
        for delivery in deliveries.iter().filter(|delivery| delivery.content != right) {
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
        for row in 0..batch.num_rows() {
            contents.insert(key(batch, row)?, content(batch, row)?);
        }
    }
    Ok(contents)
}

/// All deliveries of the keys in this run, by file and line.
fn find(run: &Run<'_>, readers: &Readers, keys: &HashSet<Key>) -> Result<BTreeMap<Key, Vec<Delivery>>> {
    let mut deliveries: BTreeMap<Key, Vec<Delivery>> = BTreeMap::new();
    for (shape, files) in readers.sets() {
        if files.first().is_none_or(|file| file.kind != FileKind::Events) {
            continue;
        }
        let again = run.reader(shape, Arc::clone(&files));
        while let Some((batch, positions)) =
            again.next_batch_with_positions().map_err(|stop| run.stopped(stop))?
        {
            for (row, position) in positions.iter().enumerate() {
                let key = key(&batch, row)?;
                if keys.contains(&key) {
                    deliveries.entry(key).or_default().push(Delivery {
                        path: files[position.file].path.clone(),
                        line: position.line,
                        content: content(&batch, row)?,
                        row: batch.slice(row, 1),
                    });
                }
            }
        }
    }
    for list in deliveries.values_mut() {
        list.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    }
    Ok(deliveries)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::Internal(format!("a batch of events has no column {name}")))
}

fn key(batch: &RecordBatch, row: usize) -> Result<Key> {
    let session = column(batch, "session_id")?.as_primitive::<Int64Type>().value(row);
    let item = column(batch, "item_in_session")?.as_primitive::<Int32Type>().value(row);
    Ok((session, i64::from(item)))
}

/// An event as text: trailing blanks do not count, NULL is not the empty text.
fn content(batch: &RecordBatch, row: usize) -> Result<String> {
    let mut text = String::new();
    for array in batch.columns() {
        if array.is_null(row) {
            text.push('\u{1}');
        } else {
            let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())
                .map_err(|error| Error::Internal(error.to_string()))?;
            text.push_str(formatter.value(row).to_string().trim_end_matches(' '));
        }
        text.push('\0');
    }
    Ok(text)
}
