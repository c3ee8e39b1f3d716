//! All deliveries of certain events: the files are read again to find them.

use std::{
    collections::{BTreeMap, HashSet},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::{Array, RecordBatch, UInt64Array, cast::AsArray, types::*};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use arrow_select::take::take_record_batch;

use super::{
    Readers, Run,
    reread::{Extent, Seen},
};
use crate::{Error, Result, reader::RejectLog, source::FileKind};

/// Session and item of an event.
pub(super) type Key = (i64, i64);

/// A delivery of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) path: String,
    pub(super) line: u64,
    /// The event as text, the same for events that compare equal.
    pub(super) content: Arc<str>,
}

impl Delivery {
    fn place(&self) -> (&str, u64) {
        (&self.path, self.line)
    }
}

/// The deliveries of one event.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// By file and line.
    pub(super) list: Vec<Delivery>,
    /// The first of them, copied out of its batch.
    pub(super) first: Option<RecordBatch>,
    /// Which of the list is the first so far.
    first_index: usize,
    /// The different contents: a producer may repeat one event without end.
    contents: HashSet<Arc<str>>,
}

impl Deliveries {
    fn add(&mut self, path: &str, line: u64, batch: &RecordBatch, row: usize) -> Result<()> {
        let content = content(batch, row)?;
        let content = match self.contents.get(content.as_str()) {
            Some(known) => Arc::clone(known),
            None => {
                let content: Arc<str> = content.into();
                self.contents.insert(Arc::clone(&content));
                content
            }
        };
        let delivery = Delivery { path: path.to_owned(), line, content };
        if self.list.get(self.first_index).is_none_or(|first| delivery.place() < first.place()) {
            self.first_index = self.list.len();
            let index = UInt64Array::from(vec![row as u64]);
            self.first = Some(take_record_batch(batch, &index).map_err(internal)?);
        }
        self.list.push(delivery);
        Ok(())
    }
}

/// All deliveries of the keys in this run.
pub(super) async fn find(
    run: &Run<'_>,
    readers: &Readers,
    keys: &HashSet<Key>,
) -> Result<BTreeMap<Key, Deliveries>> {
    let is_of_events = |kind| kind == FileKind::Events;
    let sets = readers.sets().filter(|(_, files)| files.first().is_some_and(|file| is_of_events(file.kind)));
    let wanted = keys.clone();
    let found = Arc::new(Mutex::new(BTreeMap::<Key, Deliveries>::new()));
    let look = {
        let found = Arc::clone(&found);
        move |seen: &Seen<'_>| {
            for (row, (key, (file, line))) in self::keys(seen.batch)?.zip(seen.places()).enumerate() {
                if wanted.contains(&key) {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.entry(key).or_default().add(&file.path, line, seen.batch, row)?;
                }
            }
            Ok(ControlFlow::Continue(()))
        }
    };
    run.reread(sets.collect(), Extent::Whole, RejectLog::forgetful(), look).await?;
    let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    for deliveries in found.values_mut() {
        deliveries.list.sort_by(|a, b| a.place().cmp(&b.place()));
    }
    Ok(found)
}

/// The key of each event of a batch.
pub(super) fn keys(batch: &RecordBatch) -> Result<impl Iterator<Item = Key>> {
    let column = |name| {
        let missing = || Error::Internal(format!("a batch of events has no column {name}"));
        batch.column_by_name(name).ok_or_else(missing)
    };
    let sessions = column("session_id")?.as_primitive::<Int64Type>().values().iter();
    let items = column("item_in_session")?.as_primitive::<Int32Type>().values().iter();
    Ok(sessions.zip(items).map(|(session, item)| (*session, i64::from(*item))))
}

/// An event as text: trailing blanks do not count, NULL is not the empty text.
pub(super) fn content(batch: &RecordBatch, row: usize) -> Result<String> {
    let mut text = String::new();
    for array in batch.columns() {
        if array.is_null(row) {
            text.push('\u{1}');
        } else {
            let formatter =
                ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).map_err(internal)?;
            text.push_str(formatter.value(row).to_string().trim_end_matches(' '));
        }
        text.push('\0');
    }
    Ok(text)
}

fn internal(error: ArrowError) -> Error {
    Error::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int32Array, Int64Array, StringArray};

    use super::*;

    fn batch(rows: usize, name: &str) -> RecordBatch {
        RecordBatch::try_from_iter([
            ("session_id", Arc::new(Int64Array::from(vec![1; rows])) as ArrayRef),
            ("item_in_session", Arc::new(Int32Array::from_iter_values(0..rows as i32))),
            ("first_name", Arc::new(StringArray::from(vec![name; rows]))),
        ])
        .unwrap()
    }

    #[test]
    fn a_delivery_does_not_keep_the_batch_that_it_came_in() {
        let batch = batch(8192, "Ann");
        let mut deliveries = Deliveries::default();
        deliveries.add("a", 1, &batch, 8000).unwrap();
        let first = deliveries.first.unwrap();
        assert_eq!(first, batch.slice(8000, 1));
        assert!(first.get_array_memory_size() < 2000, "{} bytes", first.get_array_memory_size());
        assert!(batch.get_array_memory_size() > 100_000);
    }

    #[test]
    fn the_row_of_the_first_delivery_by_file_and_line_is_kept_in_whatever_order_they_come() {
        let places = [("b", 1), ("a", 9), ("a", 2), ("c", 1), ("a", 3)];
        let mut deliveries = Deliveries::default();
        for (path, line) in places {
            let batch = batch(1, &format!("{path}{line}"));
            deliveries.add(path, line, &batch, 0).unwrap();
        }
        assert_eq!(deliveries.first, Some(batch(1, "a2")));
    }

    #[test]
    fn one_event_that_comes_again_and_again_is_kept_as_text_once() {
        let mut deliveries = Deliveries::default();
        for (line, name) in [(1, "Ann"), (2, "Ann  "), (3, "Bob"), (4, "Ann")] {
            deliveries.add("a", line, &batch(1, name), 0).unwrap();
        }
        let [first, blanks, other, again] = &deliveries.list[..] else { panic!("{deliveries:?}") };
        assert!(Arc::ptr_eq(&first.content, &again.content) && Arc::ptr_eq(&first.content, &blanks.content));
        assert_ne!(first.content, other.content);
    }
}
