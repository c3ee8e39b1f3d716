//! Two different events with the same key: a data error that is reported with file and line.
//!
//! The batch does not note where a row came from, since that would cost time and room for every record.
//! Conflicts are rare, so the files are read a second time to find theirs.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{Array, RecordBatch, cast::AsArray, types::*};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use sparkify_schema::statements;
use sparkify_warehouse::LoadSession;

use super::{Readers, Run, publish, records::Batches};
use crate::{
    Error, Result,
    error::During,
    record::{Reason, Reject},
    source::FileKind,
};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 500;
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

/// Sets the conflicting events of the batch aside and returns the number of duplicates among them.
/// Afterwards no two events of the batch and staging contradict each other.
pub(super) async fn resolve(
    run: &Run<'_>,
    readers: &Readers,
    session: &mut dyn LoadSession,
    sql: &str,
) -> Result<u64> {
    let left = run.rejects.allowed().saturating_sub(run.rejects.count());
    // Each conflicting key makes at least one reject, so more keys than this cannot be set aside.
    let limit = left.saturating_add(KEYS_SHOWN);
    let found =
        session.query(&statements::first_rows(sql, limit)).await.during("transform conflicting_events")?;
    if found.row_count() == 0 {
        return Ok(0);
    }
    let keys: HashSet<Key> = (0..found.row_count())
        .filter_map(|row| Some((found.integer(row, 0)?, found.integer(row, 1)?)))
        .collect();
    let staged = staged_contents(session, &keys).await?;
    let deliveries = find(run, readers, &keys)?;

    let mut rejects = Vec::new();
    let mut duplicates = 0;
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
        let repeats = if staged.contains_key(&key) { &deliveries[..] } else { &deliveries[1..] };
        for delivery in repeats {
            if delivery.content == right {
                duplicates += 1;
            } else {
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
    }
    for reject in &rejects {
        readers.note_reject(&reject.path);
    }
    run.rejects.add(rejects.clone());
    if run.rejects.count() > run.rejects.allowed() {
        return Err(run.bad_records(found.row_count() as u64 == limit));
    }
    replace(session, &keys, kept).await?;
    if !rejects.is_empty() {
        publish::put_rejects_aside(run, session, readers, &rejects).await?;
    }
    Ok(duplicates)
}

/// The staged events of the keys, as comparable text.
async fn staged_contents(session: &mut dyn LoadSession, keys: &HashSet<Key>) -> Result<HashMap<Key, String>> {
    let mut contents = HashMap::new();
    for keys in portions(keys) {
        let records =
            session.query(&statements::staged_events(&keys)).await.during("reading staged events")?;
        for batch in records.batches() {
            for row in 0..batch.num_rows() {
                contents.insert(key(batch, row)?, content(batch, row)?);
            }
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

/// Puts the kept events in the place of all deliveries of the keys.
async fn replace(session: &mut dyn LoadSession, keys: &HashSet<Key>, kept: Vec<RecordBatch>) -> Result<()> {
    for keys in portions(keys) {
        let sql = statements::delete_batch_events(&keys);
        session.execute(&sql).await.during("setting conflicting events aside")?;
    }
    if let Some(first) = kept.first() {
        let batches = Batches::new(first.schema(), kept);
        session.append("batch_events", Arc::new(batches)).await.during("setting conflicting events aside")?;
    }
    Ok(())
}

/// The keys in portions of one statement each.
fn portions(keys: &HashSet<Key>) -> Vec<Vec<Key>> {
    let keys: Vec<_> = keys.iter().copied().collect();
    keys.chunks(KEYS_PER_STATEMENT).map(<[Key]>::to_vec).collect()
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
