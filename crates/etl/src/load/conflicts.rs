//! Two different events with the same key: a data error that is reported with file and line.
//!
//! Conflicts are rare, so the files are read again to find theirs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_array::RecordBatch;
use sparkify_schema::statements;
use sparkify_warehouse::LoadSession;

use super::{
    Readers, Run,
    deliveries::{self, Key, content},
    publish,
    records::Batches,
};
use crate::{
    Result,
    error::During,
    record::{Reason, Reject},
};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 500;
/// Conflicting keys that are shown when there are more than can be set aside.
pub(crate) const KEYS_SHOWN: u64 = 20;

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
    let deliveries = deliveries::find(run, readers, &keys).await?;

    let mut rejects = Vec::new();
    let mut duplicates = 0;
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
        let repeats = if staged.contains_key(&key) { list } else { &list[1..] };
        for delivery in repeats {
            if &*delivery.content == right {
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
            for (row, key) in deliveries::keys(batch)?.enumerate() {
                contents.insert(key, content(batch, row)?);
            }
        }
    }
    Ok(contents)
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
