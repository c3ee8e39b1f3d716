//! Records that an engine refused while it read files itself: the cards that a user knows of local files.
//!
//! If the files were packed, the engine names a file of ours, which is deleted when the load ends, and a record as it
//! was written there. So the source is read again to find it.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::{Array, RecordBatch, cast::AsArray, types::*};
use arrow_schema::DataType;
use serde_json::{Map, Value};
use sparkify_warehouse::ObjectLines;

use super::{
    FileSet, Run,
    reread::{Extent, Seen},
};
use crate::{
    Error, Result,
    reader::RejectLog,
    record::{RecordShape, Reject, completed},
};

/// A record that is looked for: which of those that were refused it is, and its values.
type Wanted = (usize, Map<String, Value>);

impl Run<'_> {
    /// The cards of records that the engine refused for that table.
    pub(super) async fn refused(
        &self,
        sets: &[FileSet],
        table: &str,
        mut refused: Vec<Reject>,
    ) -> Vec<Reject> {
        let set = sets.iter().find(|set| set.table == table.trim_matches('"'));
        if let Some(set) = set {
            self.name_sources(set, &mut refused).await;
        }
        let shape = set.map_or_else(|| Arc::new(RecordShape::songs()), |set| Arc::clone(&set.shape));
        refused.into_iter().map(|refused| completed(&shape, refused)).collect()
    }

    /// Names the file and line of the source for records of packed files, and shows the line as it is there.
    async fn name_sources(&self, set: &FileSet, refused: &mut [Reject]) {
        let wanted: Vec<_> = refused
            .iter()
            .enumerate()
            .filter(|(_, refused)| !set.has(&refused.path))
            .filter_map(|(index, refused)| Some((index, packed_record(refused)?)))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let lines = self.lines_of(&set.files);
        match self.find(set, wanted).await {
            Ok(found) => {
                for (index, path, line) in found {
                    let raw = lines.line(&path, line).await;
                    let refused = &mut refused[index];
                    (refused.path, refused.line) = (path, line);
                    if let Some(engine) = &mut refused.engine {
                        engine.raw = raw;
                    }
                }
            }
            Err(Error::Cancelled) => {}
            Err(error) => tracing::warn!(%error, "the files of records that were refused cannot be found"),
        }
    }

    /// Where the records are in the source, which is read until all are found.
    async fn find(&self, set: &FileSet, wanted: Vec<Wanted>) -> Result<Vec<(usize, String, u64)>> {
        let state = Arc::new(Mutex::new((wanted, Vec::new())));
        let look = {
            let state = Arc::clone(&state);
            move |seen: &Seen<'_>| {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let (wanted, found) = &mut *state;
                for (row, (file, line)) in seen.places().enumerate() {
                    wanted.retain(|(index, record)| {
                        let is_it = is_record(seen.batch, row, record);
                        if is_it {
                            found.push((*index, file.path.clone(), line));
                        }
                        !is_it
                    });
                }
                Ok(if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            }
        };
        let sets = vec![(Arc::clone(&set.shape), Arc::clone(&set.files))];
        self.reread(sets, Extent::Whole, RejectLog::forgetful(), look).await?;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut state.1))
    }
}

/// The record of a packed file, where each key is that of a column.
fn packed_record(refused: &Reject) -> Option<Map<String, Value>> {
    let raw = refused.engine.as_ref()?.raw.as_ref().filter(|raw| raw.is_whole())?;
    serde_json::from_slice(&raw.beginning).ok()
}

/// Whether the row was written as that record, which has no key for NULL.
fn is_record(batch: &RecordBatch, row: usize, record: &Map<String, Value>) -> bool {
    batch.schema_ref().fields().iter().zip(batch.columns()).all(|(field, array)| {
        let value = record.get(field.name()).filter(|value| !value.is_null());
        match (value, array.is_null(row)) {
            (None, true) => true,
            (Some(value), false) => is_value(array, row, value),
            _ => false,
        }
    })
}

fn is_value(array: &dyn Array, row: usize, value: &Value) -> bool {
    match array.data_type() {
        DataType::Utf8 => value.as_str() == Some(array.as_string::<i32>().value(row)),
        DataType::Int32 => value.as_i64() == Some(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => value.as_i64() == Some(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            // What is read from a text may be another one in the last bit.
            value.as_f64().is_some_and(|value| (value - number).abs() <= 4.0 * f64::EPSILON * number.abs())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_row_is_known_by_all_of_its_values_and_those_it_has_not() {
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("artist", Arc::new(StringArray::from(vec![Some("it's"), None])), true),
            ("item", Arc::new(Int32Array::from(vec![1, 1])), true),
            ("ts", Arc::new(Int64Array::from(vec![Some(i64::MAX), None])), true),
            ("length", Arc::new(Float64Array::from(vec![0.1 + 0.2, 218.931_41])), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let record = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let whole =
            record(r#"{"artist":"it's","item":1,"ts":9223372036854775807,"length":0.30000000000000004}"#);
        assert!(is_record(&batch, 0, &whole) && !is_record(&batch, 1, &whole));
        let short = record(r#"{"item":1,"length":218.93141}"#);
        assert!(is_record(&batch, 1, &short) && !is_record(&batch, 0, &short));
        for other in [
            r#"{"item":2,"length":218.93141}"#,
            r#"{"item":1,"length":218.9314}"#,
            r#"{"item":1,"length":218.93141,"ts":1}"#,
            r#"{"item":"1","length":218.93141}"#,
        ] {
            assert!(!is_record(&batch, 1, &record(other)), "{other}");
        }
    }
}
