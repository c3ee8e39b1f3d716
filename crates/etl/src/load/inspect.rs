//! What the engine has read itself, held against what our reader would have made of it.
//!
//! COPY knows the types of columns, and nothing of the other rules that a record is held to. So afterwards the
//! tables are asked for values that the model does not allow, and for texts that may have been objects or arrays;
//! and the rows are compared with the lines that were read. Wherever there is a doubt, our reader reads the files
//! once more: it says which record of which file is bad, or that all is well after all.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    sync::Arc,
};

use serde_json::Value;
use sparkify_schema::{
    model::{Column, Range},
    sql::context,
    statements,
};
use sparkify_warehouse::{LoadSession, LoadedObjects, RecordSet};

use super::{
    FileSet, Run,
    reread::{Extent, Seen},
};
use crate::{
    Error, Result,
    error::{During, SourceError, SourceProblem},
    reader::RejectLog,
    source::SourceFile,
};

/// Rows with a broken rule that are asked for.
pub(crate) const ROWS_SHOWN: u64 = 20;
/// Different texts that are looked at one by one; if there are more of them, the files are read once more.
pub(crate) const TEXTS_SEEN: u64 = 100;

/// Why the files are read once more.
#[derive(Debug, PartialEq, Eq)]
enum Doubt {
    /// Values that are against the rules, in words.
    Rules(Vec<String>),
    /// Texts that are written like objects or arrays.
    Json,
    /// Another number of rows than of lines.
    Lines,
}

/// How many records each of the files has, all of which were loaded.
pub(super) async fn records_of_each(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    set: &FileSet,
    loaded: &LoadedObjects,
) -> Result<Vec<u64>> {
    let lines = lines_of_each(&set.files, loaded)?;
    // Our reader takes the sign off -0.0.
    let parameters = context! { table => set.table, model => set.shape.table().name };
    let sql = run.library.render("plain_zeros", run.dialect, parameters)?;
    session.execute(&sql).await.during("checking what was read")?;
    let Some(doubt) = doubt(run, session, set, lines.iter().sum(), loaded.rows).await? else {
        return Ok(lines);
    };
    tracing::info!(table = set.table, rows = loaded.rows, ?doubt, "the files are read once more");
    let records = read_again(run, set).await?;
    let counted: u64 = records.iter().sum();
    if let Doubt::Rules(values) = doubt {
        return Err(Error::Unreconciled(format!(
            "the engine has read {} into {}, and the files have no such record",
            values.join("; "),
            set.table
        )));
    }
    if counted != loaded.rows {
        let differs = set.files.iter().zip(records.iter().zip(&lines)).find(|(_, (one, other))| one != other);
        let example = differs.map_or_else(String::new, |(file, (records, lines))| {
            format!("; {}, for one, has {records} of them, and {lines} lines were read", file.path)
        });
        return Err(Error::Unreconciled(format!(
            "the files have {counted} records, and the engine has loaded {} of them into {}{example}",
            loaded.rows, set.table
        )));
    }
    Ok(records)
}

/// Fails if an object whose tag the engine did not tell is another one by now than when it was listed.
pub(super) async fn still_as_listed(run: &Run<'_>, sets: &[FileSet], loaded: &[LoadedObjects]) -> Result<()> {
    let objects = loaded.iter().flat_map(|loaded| &loaded.objects);
    let untold: HashSet<_> =
        objects.filter(|object| object.etag.is_none()).map(|object| &object.url).collect();
    if untold.is_empty() {
        return Ok(());
    }
    tracing::debug!(
        objects = untold.len(),
        "the engine does not tell their tags, so they are listed once more"
    );
    let listed = run.unless_cancelled(run.source.list()).await??;
    let tags: HashMap<_, _> = listed.into_iter().map(|file| (file.path, file.content_tag)).collect();
    let files = sets.iter().flat_map(|set| set.files.iter());
    for file in files.filter(|file| untold.contains(&file.path)) {
        let problem = match tags.get(&file.path) {
            Some(tag) if *tag == file.content_tag => continue,
            Some(_) => SourceProblem::Changed,
            None => SourceProblem::Deleted,
        };
        return Err(SourceError::new(file.path.clone(), problem).into());
    }
    Ok(())
}

/// The lines of each file, as the engine counts them.
fn lines_of_each(files: &[SourceFile], loaded: &LoadedObjects) -> Result<Vec<u64>> {
    let lines: HashMap<_, _> = loaded.objects.iter().map(|object| (&object.url, object.lines)).collect();
    let missing =
        |path: &str| Error::Unreconciled(format!("the engine does not say that it has read {path}"));
    files.iter().map(|file| lines.get(&file.path).copied().ok_or_else(|| missing(&file.path))).collect()
}

async fn doubt(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    set: &FileSet,
    lines: u64,
    rows: u64,
) -> Result<Option<Doubt>> {
    let (table, model) = (set.table, set.shape.table());
    let parameters = || context! { table, model => model.name };
    let sql = run.library.render("broken_rules", run.dialect, parameters())?;
    let found = session.query(&statements::first_rows(&sql, ROWS_SHOWN)).await;
    let found = found.during("checking what was read")?;
    if found.row_count() > 0 {
        return Ok(Some(Doubt::Rules(broken_values(model.columns, &found))));
    }
    let sql = run.library.render("json_texts", run.dialect, parameters())?;
    let found = session.query(&statements::first_rows(&sql, TEXTS_SEEN)).await;
    let found = found.during("checking what was read")?;
    let texts = (0..found.row_count()).filter_map(|row| found.text(row, 0));
    if found.row_count() as u64 == TEXTS_SEEN || texts.into_iter().any(|text| is_object_or_array(&text)) {
        return Ok(Some(Doubt::Json));
    }
    Ok((lines != rows).then_some(Doubt::Lines))
}

/// The values of those rows that break a rule of their column, in words.
fn broken_values(columns: &[Column], found: &RecordSet) -> Vec<String> {
    let mut values = Vec::new();
    for row in 0..found.row_count() {
        let broken = columns.iter().enumerate().filter_map(|(index, column)| {
            let text = found.text(row, index);
            let allowed = text.as_deref().map_or(!column.required, |text| match column.limits() {
                Range::Any => true,
                Range::Whole(low, high) => text.parse().is_ok_and(|value: i64| (low..=high).contains(&value)),
                Range::Real(low, high) => text.parse().is_ok_and(|value: f64| (low..=high).contains(&value)),
            });
            (!allowed).then(|| format!("{} {}", column.name, text.as_deref().unwrap_or("NULL")))
        });
        values.push(broken.collect::<Vec<_>>().join(", "));
    }
    values
}

fn is_object_or_array(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Value::Object(_) | Value::Array(_)))
}

/// Reads the files with our reader: how many records each has, or the error with those that are bad.
async fn read_again(run: &Run<'_>, set: &FileSet) -> Result<Vec<u64>> {
    let sets = vec![(Arc::clone(&set.shape), Arc::clone(&set.files))];
    let on = |_: &Seen<'_>| Ok(ControlFlow::Continue(()));
    let read = run.reread(sets, Extent::Whole, RejectLog::new(0), on).await?;
    if read.rejects.is_empty() {
        return Ok(read.records());
    }
    let (count, more) = (read.rejects.len() as u64, !read.complete);
    Err(Error::BadRecords { rejects: read.rejects, count, more, allowed: run.rejects.allowed() })
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float64Array, Int64Array, StringArray};
    use sparkify_schema::model::{staging_events, staging_songs};

    use super::*;

    #[test]
    fn a_text_is_an_object_or_array_only_if_all_of_it_is_one() {
        for text in ["{}", "[]", "{\"a\": [1]}", "[\"a\", {\"b\": null}]"] {
            assert!(is_object_or_array(text), "{text}");
        }
        for text in ["[untitled]", "{Album}", "[1] [2]", "[", "text", "", "\"[]\"", "7"] {
            assert!(!is_object_or_array(text), "{text}");
        }
    }

    #[test]
    fn the_values_to_blame_are_named_and_no_others() {
        let columns: Vec<_> = ["item_in_session", "level", "length"]
            .into_iter()
            .map(|name| *staging_events().column(name).unwrap())
            .chain([*staging_songs().column("artist_latitude").unwrap()])
            .collect();
        let found = RecordSet::from_columns(vec![
            ("item_in_session", Arc::new(Int64Array::from(vec![1_048_576, 5])) as _),
            ("level", Arc::new(StringArray::from(vec![Some("free"), None]))),
            ("length", Arc::new(Float64Array::from(vec![1.5, f64::NAN]))),
            ("artist_latitude", Arc::new(Float64Array::from(vec![90.5, 90.0]))),
        ])
        .unwrap();
        assert_eq!(
            broken_values(&columns, &found),
            ["item_in_session 1048576, artist_latitude 90.5", "level NULL, length NaN"]
        );
    }
}
