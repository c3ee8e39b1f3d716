//! The order of steps and what happens when one fails, with a mocked engine.

mod retries;

use std::{collections::VecDeque, sync::Mutex};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::Schema;
use sparkify_schema::model::tables;
use sparkify_warehouse::{
    Capabilities, Error as EngineError, Filled, MockLoadSession, MockWarehouse, RecordSet,
};

use super::*;
use crate::plan::{self, Fact, Facts};
use crate::source::{Compression, Content, FileFeed, MockSource};

type Log = Arc<Mutex<Vec<String>>>;

/// One file with one event, from memory.
#[derive(Debug)]
struct OneFile(Mutex<bool>);

impl FileFeed for OneFile {
    fn next(&self) -> Option<(usize, Result<Content, crate::SourceError>)> {
        let given = std::mem::replace(&mut *self.0.lock().unwrap(), true);
        let event = r#"{"page":"Home","level":"free","sessionId":1,"itemInSession":0,"ts":1}"#;
        (!given).then(|| (0, Ok(Box::new(event.as_bytes()) as Content)))
    }
}

fn source(log: &Log) -> Arc<dyn Source> {
    let mut source = MockSource::new();
    let log = Arc::clone(log);
    source.expect_location().return_const("memory".to_owned());
    source.expect_list().returning(move || {
        log.lock().unwrap().push("list".to_owned());
        Ok(vec![SourceFile {
            path: "memory/a.json".to_owned(),
            kind: FileKind::Events,
            compression: Compression::None,
            size: 70,
            modified_ns: Some(1),
            content_tag: None,
        }])
    });
    source.expect_json_paths().returning(|| Ok(None));
    source.expect_feed().returning(|files, _| Arc::new(OneFile(Mutex::new(files.is_empty()))));
    Arc::new(source)
}

fn records(columns: Vec<(&str, ArrayRef)>) -> RecordSet {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    RecordSet::new(batch.schema(), vec![batch])
}

fn number(value: i64) -> RecordSet {
    records(vec![("n", Arc::new(Int64Array::from(vec![value])))])
}

fn texts(values: Vec<String>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

/// The list of tables that were made.
fn owned() -> RecordSet {
    let names: Vec<_> = tables().iter().map(|table| table.name.to_owned()).collect();
    let nobody: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; names.len()]));
    records(vec![("table_name", texts(names)), ("run_id", nobody)])
}

/// The catalog of a database that has all tables.
fn catalog() -> RecordSet {
    let (mut names, mut columns, mut types) = (Vec::new(), Vec::new(), Vec::new());
    for table in tables() {
        for column in table.columns {
            names.push(table.name.to_owned());
            columns.push(column.name.to_owned());
            types.push(Dialect::DuckDb.catalog_type(column.data_type).to_uppercase());
        }
    }
    records(vec![("table", texts(names)), ("column", texts(columns)), ("type", texts(types))])
}

fn ledger(paths: &[&str]) -> RecordSet {
    let count = paths.len();
    records(vec![
        ("path", texts(paths.iter().map(|path| (*path).to_owned()).collect())),
        ("size_bytes", Arc::new(Int64Array::from(vec![70; count]))),
        ("modified_ns", Arc::new(Int64Array::from(vec![1; count]))),
        ("content_hash", texts(vec!["hash".to_owned(); count])),
    ])
}

/// What the mocked engine does.
#[derive(Clone, Default)]
struct Script {
    known_files: Vec<&'static str>,
    /// Fails a statement that begins with this.
    failing: Option<&'static str>,
    /// What a quality check finds.
    violations: i64,
    abort_fails: bool,
    /// The load cannot begin.
    begin_error: Option<fn() -> EngineError>,
    /// The error of the failing statement; it is refused otherwise.
    error: Option<fn() -> EngineError>,
    commit_error: Option<fn() -> EngineError>,
    /// The ledger has the run of the attempt before.
    published: bool,
    /// A number of rows is no number.
    unreadable: bool,
}

fn refused(sql: &str) -> EngineError {
    EngineError::Statement { reason: "no".to_owned(), sql: sql.to_owned() }
}

fn session(script: Script, log: Log) -> MockLoadSession {
    let mut session = MockLoadSession::new();
    let Script {
        known_files,
        failing,
        violations,
        abort_fails,
        error,
        commit_error,
        published,
        unreadable,
        ..
    } = script;
    let note = move |log: &Log, text: &str| log.lock().unwrap().push(text.to_owned());
    session.expect_reads_objects().return_const(None);
    session.expect_query().returning(move |sql| {
        Ok(match sql {
            _ if sql.contains("FROM load_runs WHERE run_id") => number(published.into()),
            _ if sql.contains("FROM loaded_files") && sql.contains("path") => ledger(&known_files),
            _ if sql.contains("FROM sparkify_tables") => owned(),
            _ if sql.contains("FROM load_runs") || sql.starts_with("SELECT 1 FROM staging_events") => {
                RecordSet::new(Arc::new(Schema::empty()), Vec::new())
            }
            _ if sql.contains("violations") => number(violations),
            "SELECT COUNT(*) FROM sparkify_run_events" if unreadable => {
                records(vec![("n", texts(vec!["?".to_owned()]))])
            }
            "SELECT COUNT(*) FROM sparkify_run_events" => number(1),
            _ => number(0),
        })
    });
    let together = Arc::clone(&log);
    session.expect_fill().returning(move |fill| {
        let rows: Result<_, EngineError> = fill
            .tables
            .into_iter()
            .map(|(table, source)| {
                note(&together, &format!("append {table}"));
                let mut rows = 0;
                while let Some(batch) = source.next_batch().map_err(EngineError::Source)? {
                    rows += batch.num_rows() as u64;
                }
                Ok(rows)
            })
            .collect();
        Ok(Filled { rows: rows?, ..Filled::default() })
    });
    let (execute, prepare, append, publish, commit, abort) =
        (Arc::clone(&log), Arc::clone(&log), Arc::clone(&log), Arc::clone(&log), Arc::clone(&log), log);
    session.expect_execute().returning(move |sql| {
        if failing.is_some_and(|failing| sql.starts_with(failing)) {
            return Err(error.map_or_else(|| refused(sql), |error| error()));
        }
        note(&execute, sql.lines().next().unwrap());
        Ok(0)
    });
    session.expect_prepare().returning(move |_| {
        note(&prepare, "prepare");
        Ok(())
    });
    session.expect_append().returning(move |table, source| {
        note(&append, &format!("append {table}"));
        let mut rows = 0;
        while let Some(batch) = source.next_batch().map_err(EngineError::Source)? {
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    });
    session.expect_publish().returning(move || {
        note(&publish, "publish");
        Ok(())
    });
    session.expect_commit().returning(move || {
        note(&commit, "commit");
        commit_error.map_or(Ok(()), |error| Err(error()))
    });
    session.expect_abort().returning(move |cleanup| {
        note(&abort, &format!("abort, dropping {}", cleanup.len()));
        if abort_fails { Err(refused("ROLLBACK")) } else { Ok(()) }
    });
    session
}

/// Loads with the mocked engine and returns the result and what the engine was asked to do.
async fn load_with(script: Script) -> (Result<RunReport>, Vec<String>) {
    load_in_attempts(vec![script], &LoadOptions::default(), &Cancel::default()).await
}

/// The same with a script for each attempt.
async fn load_in_attempts(
    scripts: Vec<Script>,
    options: &LoadOptions,
    cancel: &Cancel,
) -> (Result<RunReport>, Vec<String>) {
    let log = Log::default();
    let scripts = Mutex::new(VecDeque::from(scripts));
    let mut warehouse = MockWarehouse::new();
    warehouse.expect_dialect().return_const(Dialect::DuckDb);
    warehouse.expect_location().return_const("mock".to_owned());
    warehouse.expect_capabilities().return_const(Capabilities::of(Dialect::DuckDb));
    warehouse
        .expect_query()
        .returning(|sql| Ok(if sql.contains("FROM sparkify_tables") { owned() } else { catalog() }));
    let session_log = Arc::clone(&log);
    warehouse.expect_begin_load().returning(move || {
        let script = scripts.lock().unwrap().pop_front().expect("a script for this attempt");
        session_log.lock().unwrap().push("begin".to_owned());
        match script.begin_error {
            Some(error) => Err(error()),
            None => Ok(Box::new(session(script, Arc::clone(&session_log)))),
        }
    });
    let library = SqlLibrary::embedded().unwrap();
    let progress = Arc::new(Progress::default());
    let result = load(&warehouse, source(&log), &library, options, &progress, cancel).await;
    let log = log.lock().unwrap().clone();
    (result, log)
}

fn position(log: &[String], beginning: &str) -> usize {
    log.iter()
        .position(|entry| entry.starts_with(beginning))
        .unwrap_or_else(|| panic!("{beginning} in {log:#?}"))
}

fn abort_entry() -> String {
    let mut facts = Facts::default();
    for fact in [Fact::Files, Fact::EventFiles, Fact::FirstLoad] {
        facts.set(fact, 1);
    }
    // The list of tables is brought up to date as well.
    format!("abort, dropping {}", plan::run_tables(|when| facts.meet(when)).len() + 1)
}

#[tokio::test]
async fn a_load_prepares_reads_publishes_writes_the_ledger_and_commits_in_this_order() {
    let (result, log) = load_with(Script::default()).await;
    let report = result.unwrap();
    assert_eq!((report.records.read, report.records.staged), (1, 1));
    let steps = [
        // The list of files is made under the lock of the load, so that it does not age while the lock is waited for.
        "begin",
        "list",
        "prepare",
        "append sparkify_run_events",
        "append sparkify_run_loaded_files",
        "publish",
        "INSERT INTO sparkify_run_chosen_users",
        "INSERT INTO songplays",
        "INSERT INTO loaded_files",
        "INSERT INTO load_runs",
        "DROP TABLE IF EXISTS sparkify_run_events",
        "commit",
    ];
    let positions: Vec<_> = steps.iter().map(|step| position(&log, step)).collect();
    assert!(positions.is_sorted(), "{log:#?}");
    assert_eq!(log.last().unwrap(), "commit");
    assert!(!log.iter().any(|entry| entry.starts_with("abort")));
}

#[tokio::test]
async fn a_load_with_nothing_new_writes_nothing() {
    let (result, log) = load_with(Script { known_files: vec!["memory/a.json"], ..Script::default() }).await;
    assert_eq!(result.unwrap().files, FileCounts { found: 1, loaded: 0, changed: 0, skipped: 1 });
    assert_eq!(log, ["begin", "list", "commit"]);
}

#[tokio::test]
async fn a_number_of_rows_that_cannot_be_read_is_an_error_and_drops_nothing() {
    let (result, log) = load_with(Script { unreadable: true, ..Script::default() }).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    assert!(!log.iter().any(|entry| entry == "DROP TABLE staging_events" || entry == "commit"), "{log:#?}");
}

#[tokio::test]
async fn a_failed_statement_undoes_the_load_and_names_the_step() {
    let (result, log) =
        load_with(Script { failing: Some("INSERT INTO songplays"), ..Script::default() }).await;
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "transform insert_songplays failed");
    assert_eq!(log.last(), Some(&abort_entry()));
    assert!(!log.contains(&"commit".to_owned()));
}

#[tokio::test]
async fn a_failed_quality_check_undoes_the_load_before_it_is_published() {
    let (result, log) = load_with(Script { violations: 2, ..Script::default() }).await;
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Quality { failed } if failed.iter().all(|check| check.violations == 2)));
    assert!(error.is_data_error());
    assert_eq!(log.last(), Some(&abort_entry()));
    assert!(!log.iter().any(|entry| entry == "commit" || entry.starts_with("INSERT INTO loaded_files")));
}

#[tokio::test]
async fn an_undo_that_fails_does_not_hide_why_it_was_needed() {
    let script = Script { failing: Some("INSERT INTO songplays"), abort_fails: true, ..Script::default() };
    assert_eq!(load_with(script).await.0.unwrap_err().to_string(), "transform insert_songplays failed");
}

#[tokio::test]
async fn a_failed_commit_is_the_error_of_the_load() {
    let script = Script { commit_error: Some(|| refused("COMMIT")), ..Script::default() };
    let (result, _) = load_with(script).await;
    assert_eq!(result.unwrap_err().to_string(), "publishing failed");
}
