//! Loads: each engine holds the same tables, row by row and id by id, gives the same report and the same
//! answers, and passes the same checks.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sparkify_analytics::Catalogue;
use sparkify_etl::{
    Cancel, Error, LoadOptions, MatchRule, RunReport, create_tables, owned_rows, quality, recreate_tables,
    verify_tables,
};
use sparkify_eventsim::Sample;
use sparkify_schema::{Dialect, model::tables, sql::SqlLibrary};
use sparkify_testkit::{DataSet, Event, Song, dump_of, real_data, rows_of};
use sparkify_warehouse::{Access, RecordSet, Warehouse, duckdb::DuckDbWarehouse};

use super::{Database, Engine, batch_tables};
use crate::{interposed::Interposed, local_loads::load_with, model};

on_every_engine! {
    the_tables_are_those_of_the_model_and_can_be_made_anew,
    tables_with_other_columns_are_noticed,
    tables_of_others_are_refused_and_kept,
    a_load_leaves_tables_with_other_names_alone,
    tables_that_a_dead_load_has_left_are_dropped_by_the_next,
    a_load_sends_as_many_statements_for_many_files_as_for_few,
    the_real_data_gives_the_same_tables_and_answers,
    a_second_load_loads_nothing,
    files_that_come_bit_by_bit_and_files_that_change_give_the_same_tables,
    the_match_rule_can_be_changed_to_and_fro,
    records_that_are_set_aside_are_the_same,
    a_load_that_fails_leaves_the_tables_as_they_were_and_none_of_its_own,
    a_load_that_was_stopped_leaves_the_tables_as_they_were,
    a_database_that_was_closed_is_the_same_when_it_is_opened_again,
}

on_every_engine! {
    also on SerializableRedshift as serializable_redshift:
    the_real_data_gives_the_same_tables_and_answers,
    a_second_load_loads_nothing,
    files_that_come_bit_by_bit_and_files_that_change_give_the_same_tables,
    the_match_rule_can_be_changed_to_and_fro,
    records_that_are_set_aside_are_the_same,
    a_load_that_fails_leaves_the_tables_as_they_were_and_none_of_its_own,
    a_load_that_was_stopped_leaves_the_tables_as_they_were,
}

/// Loads a directory as it is.
pub(super) async fn load_into(warehouse: &dyn Warehouse, data: &Path) -> Result<RunReport, Error> {
    load_with(warehouse, data, &LoadOptions::default(), &Cancel::default()).await
}

/// An engine and the reference, with the same tables.
pub(super) struct Both {
    pub(super) warehouse: Arc<dyn Warehouse>,
    reference: DuckDbWarehouse,
    library: SqlLibrary,
    database: Database,
}

impl Both {
    pub(super) async fn new(engine: Engine) -> Self {
        let library = SqlLibrary::embedded().unwrap();
        let (database, warehouse) = engine.open_new().await;
        let reference = Engine::reference();
        create_tables(warehouse.as_ref(), &library).await.unwrap();
        create_tables(&reference, &library).await.unwrap();
        Self { warehouse, reference, library, database }
    }

    /// Loads into both and compares; returns the engine's report.
    pub(super) async fn load(&self, data: &Path) -> RunReport {
        self.load_with(data, &LoadOptions::default()).await
    }

    async fn load_with(&self, data: &Path, options: &LoadOptions) -> RunReport {
        let cancel = Cancel::default();
        let expected = load_with(&self.reference, data, options, &cancel).await.unwrap();
        let report = load_with(self.warehouse.as_ref(), data, options, &cancel)
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(report.files, expected.files);
        assert_eq!(report.records, expected.records);
        assert_eq!(report.tables, expected.tables);
        assert_eq!(report.matched_songplays, expected.matched_songplays);
        assert_eq!(report.match_rate, expected.match_rate);
        assert_eq!(report.checks, expected.checks);
        self.compare().await;
        self.database.assert_sound();
        report
    }

    /// Compares tables, ledger, answers and checks.
    async fn compare(&self) {
        let (expected, found) = (dump_of(&self.reference).await, dump_of(self.warehouse.as_ref()).await);
        for (table, rows) in &expected {
            assert_eq!(&found[table], rows, "{table}");
        }
        for sql in [
            "SELECT path, kind, size_bytes, content_hash, records, rejected FROM loaded_files",
            "SELECT run_number, source, match_rule, files_loaded, records_read, records_staged, records_rejected, \
             records_duplicate, tool_version FROM load_runs",
            "SELECT path, line_number, column_number, field, reason, value FROM load_errors",
        ] {
            let (mut expected, mut found) =
                (rows_of(&self.reference, sql).await, rows_of(self.warehouse.as_ref(), sql).await);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{sql}");
        }
        let catalogue = Catalogue::new(&self.library).unwrap();
        assert!(catalogue.queries().len() >= 15);
        for query in catalogue.queries() {
            let expected = catalogue.run(&self.reference, &query.name).await.unwrap().records;
            let found = catalogue.run(self.warehouse.as_ref(), &query.name).await;
            let found = found.unwrap_or_else(|error| panic!("{}: {error:?}", query.name)).records;
            assert_eq!(columns(&found), columns(&expected), "{}", query.name);
            assert_eq!(rows(&found), rows(&expected), "{}", query.name);
        }
        let checks = quality::check(self.warehouse.as_ref(), &self.library).await.unwrap();
        assert!(checks.len() >= 29 && checks.iter().all(quality::CheckResult::holds), "{checks:?}");
        assert_eq!(batch_tables(self.warehouse.as_ref()).await, [""; 0]);
    }
}

fn columns(records: &RecordSet) -> Vec<String> {
    records.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// The rows in their order.
fn rows(records: &RecordSet) -> Vec<Vec<Option<String>>> {
    let columns = records.schema().fields().len();
    (0..records.row_count())
        .map(|row| (0..columns).map(|column| records.text(row, column)).collect())
        .collect()
}

/// The names of the data files, sorted.
fn files(directory: &Path) -> Vec<String> {
    let (mut found, mut folders) =
        (Vec::new(), vec![directory.join("log_data"), directory.join("song_data")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort_unstable();
    found
}

/// A small data set with some of everything.
fn sample(parent: &Path) -> PathBuf {
    let directory = parent.join("sample");
    Sample { users: 40, days: 10, ..Sample::default() }.write(&directory).unwrap();
    directory
}

async fn the_tables_are_those_of_the_model_and_can_be_made_anew(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    let (_database, warehouse) = engine.open_new().await;
    let warehouse = warehouse.as_ref();
    let error = verify_tables(warehouse, &library).await.unwrap_err();
    let Error::MissingTables { names } = &error else { panic!("{error:?}") };
    assert!(tables().iter().all(|table| names.iter().any(|name| name == table.name)), "{names:?}");
    // Once more changes nothing.
    for _ in 0..2 {
        create_tables(warehouse, &library).await.unwrap();
        verify_tables(warehouse, &library).await.unwrap();
    }
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    assert_eq!(load_into(warehouse, &data.path()).await.unwrap().tables["songplays"], 1);
    create_tables(warehouse, &library).await.unwrap();
    assert_eq!(dump_of(warehouse).await["songplays"].len(), 1);
    for _ in 0..2 {
        recreate_tables(warehouse, &library).await.unwrap();
        verify_tables(warehouse, &library).await.unwrap();
        assert!(dump_of(warehouse).await.values().all(Vec::is_empty));
    }
    assert_eq!(load_into(warehouse, &data.path()).await.unwrap().tables["songplays"], 1);
}

async fn tables_with_other_columns_are_noticed(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    for table in ["songplays", "load_runs"] {
        let (_database, warehouse) = engine.open_new().await;
        create_tables(warehouse.as_ref(), &library).await.unwrap();
        let add = format!("ALTER TABLE {table} ADD COLUMN something_else VARCHAR(9)");
        warehouse.transact(vec![add]).await.unwrap();
        for error in [
            create_tables(warehouse.as_ref(), &library).await.unwrap_err(),
            verify_tables(warehouse.as_ref(), &library).await.unwrap_err(),
        ] {
            assert!(matches!(&error, Error::Drift { differences } if differences.len() == 1), "{error:?}");
            assert!(error.to_string().contains(table) && error.hint().unwrap().contains("--drop"), "{error}");
        }
        recreate_tables(warehouse.as_ref(), &library).await.unwrap();
        verify_tables(warehouse.as_ref(), &library).await.unwrap();
    }
}

/// Tables of another program, one with a name of the model and one with a name of a load's own tables.
async fn tables_of_others_are_refused_and_kept(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    for name in ["users", "sparkify_tables", "sparkify_run_events"] {
        let (_database, warehouse) = engine.open_new().await;
        let warehouse = warehouse.as_ref();
        if name.starts_with("sparkify_run_") {
            create_tables(warehouse, &library).await.unwrap();
        }
        let foreign = vec![
            format!("CREATE TABLE {name} (email VARCHAR(9))"),
            format!("INSERT INTO {name} SELECT 'a@b.c'"),
        ];
        warehouse.transact(foreign).await.unwrap();
        let data = DataSet::new();
        data.write_events("a.json", &[Event::play(1, 0)]);
        for error in [
            create_tables(warehouse, &library).await.unwrap_err(),
            recreate_tables(warehouse, &library).await.unwrap_err(),
            owned_rows(warehouse, &library).await.unwrap_err(),
            load_into(warehouse, &data.path()).await.unwrap_err(),
        ] {
            assert!(matches!(&error, Error::ForeignTables { names } if names == &[name]), "{error:?}");
            assert!(!error.hint().unwrap().contains("--drop"), "{error}");
        }
        let kept = warehouse.query(&format!("SELECT email FROM {name}")).await.unwrap();
        assert_eq!(kept.text(0, 0).as_deref(), Some("a@b.c"), "{name}");
    }
}

/// Names that analysts give to tables of their own.
async fn a_load_leaves_tables_with_other_names_alone(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    let (_database, warehouse) = engine.open_new().await;
    let warehouse = warehouse.as_ref();
    create_tables(warehouse, &library).await.unwrap();
    for name in ["batch_users", "batch_events", "run_events"] {
        warehouse.transact(vec![format!("CREATE TABLE {name} (note VARCHAR(9))")]).await.unwrap();
    }
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    load_into(warehouse, &data.path()).await.unwrap();
    recreate_tables(warehouse, &library).await.unwrap();
    for name in ["batch_users", "batch_events", "run_events"] {
        assert_eq!(warehouse.query(&format!("SELECT note FROM {name}")).await.unwrap().row_count(), 0);
    }
}

/// What a load that was killed has left is dropped by the next, since the list of tables has it.
async fn tables_that_a_dead_load_has_left_are_dropped_by_the_next(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    let (_database, warehouse) = engine.open_new().await;
    let warehouse = warehouse.as_ref();
    create_tables(warehouse, &library).await.unwrap();
    let left = vec![
        "CREATE TABLE sparkify_run_of_before (note VARCHAR(9))".to_owned(),
        "INSERT INTO sparkify_tables (table_name, run_id) SELECT 'sparkify_run_of_before', 'dead'".to_owned(),
    ];
    warehouse.transact(left).await.unwrap();
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    load_into(warehouse, &data.path()).await.unwrap();
    assert!(warehouse.query("SELECT note FROM sparkify_run_of_before").await.is_err());
    let listed = warehouse.query("SELECT table_name FROM sparkify_tables WHERE run_id IS NOT NULL").await;
    assert_eq!(listed.unwrap().row_count(), 0);
}

/// New, changed, touched and contradicting files: the ledger is written by as many statements however many they are.
async fn a_load_sends_as_many_statements_for_many_files_as_for_few(engine: Engine) {
    let mut numbers = Vec::new();
    for files in [2, 30] {
        let library = SqlLibrary::embedded().unwrap();
        let (_database, warehouse) = engine.open_new().await;
        create_tables(warehouse.as_ref(), &library).await.unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let counted = Interposed::new(warehouse, move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            None
        });
        let data = DataSet::new();
        let write = |name: &str, session: i64, level: &str| {
            data.write_events(name, &[Event::play(session, 0).user(session).level(level)])
        };
        for file in 0..files {
            write(&format!("same-{file}.json"), 1000 + file, "free");
            write(&format!("changing-{file}.json"), 2000 + file, "free");
            data.write_songs(&format!("{file}.json"), &[Song::new(&format!("SO{file}"), "AR1")]);
        }
        load_into(&counted, &data.path()).await.unwrap();
        let first = sent.swap(0, Ordering::SeqCst);
        for file in 0..files {
            let path = write(&format!("same-{file}.json"), 1000 + file, "free");
            let past = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
            std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
            write(&format!("changing-{file}.json"), 2000 + file, "paid");
            write(&format!("new-{file}.json"), 3000 + file, "free");
            write(&format!("contradicting-{file}.json"), 1000 + file, "paid");
        }
        let options = LoadOptions { max_errors: 100, ..LoadOptions::default() };
        let report = load_with(&counted, &data.path(), &options, &Cancel::default()).await.unwrap();
        assert_eq!(report.records.rejected, files as u64, "{report:?}");
        numbers.push((first, sent.load(Ordering::SeqCst)));
    }
    assert_eq!(numbers[0], numbers[1]);
}

async fn the_real_data_gives_the_same_tables_and_answers(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let directory = real_data().unwrap_or_else(|| {
        let directory = parent.path().join("sample");
        Sample { days: 30, ..Sample::default() }.write(&directory).unwrap();
        directory
    });
    assert!(Both::new(engine).await.load(&directory).await.records.staged > 1000);
}

async fn a_second_load_loads_nothing(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let directory = sample(parent.path());
    let both = Both::new(engine).await;
    let report = both.load(&directory).await;
    assert!(report.records.staged > 500, "{report:?}");
    let before = dump_of(both.warehouse.as_ref()).await;
    let report = both.load(&directory).await;
    assert_eq!((report.files.loaded, report.records.read, report.checks.len()), (0, 0, 0));
    assert_eq!(dump_of(both.warehouse.as_ref()).await, before);
}

async fn files_that_come_bit_by_bit_and_files_that_change_give_the_same_tables(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let directory = sample(parent.path());
    let (names, both, data) = (files(&directory), Both::new(engine).await, DataSet::new());
    // Each third has days and songs: later songs match earlier plays.
    for part in 0..3 {
        for name in names.iter().skip(part).step_by(3) {
            data.copy_from(&directory, name);
        }
        both.load(&data.path()).await;
    }
    data.write_events("odd.json", &[Event::play(90_001, 0).user(7), Event::play(90_001, 1).user(7)]);
    data.write_songs(
        "odd.json",
        &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other").at(1.5, 2.5)],
    );
    both.load(&data.path()).await;
    data.write_events(
        "odd.json",
        &[Event::play(90_001, 1).user(8).level("paid"), Event::play(90_002, 0).song("Other")],
    );
    data.write_songs(
        "odd.json",
        &[Song::new("SO2", "AR3").title("Other").year(1999), Song::new("SO3", "AR2")],
    );
    assert_eq!(both.load(&data.path()).await.files.changed, 2);
}

async fn the_match_rule_can_be_changed_to_and_fro(engine: Engine) {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).length(1.0), Event::play(1, 1)]);
    data.write_songs("a.json", &[Song::new("SO2", "AR2"), Song::new("SO1", "AR1").duration(1.5)]);
    let both = Both::new(engine).await;
    for (match_rule, matched) in [
        (MatchRule::Exact, 1),
        (MatchRule::TitleArtist, 2),
        (MatchRule::TitleArtist, 2),
        (MatchRule::Exact, 1),
    ] {
        let options = LoadOptions { match_rule, ..LoadOptions::default() };
        assert_eq!(both.load_with(&data.path(), &options).await.matched_songplays, matched);
    }
}

async fn records_that_are_set_aside_are_the_same(engine: Engine) {
    let data = DataSet::new();
    let good = Event::play(1, 0).line();
    let long = Event::play(1, 1).song(&"x".repeat(2000)).line();
    let lines = [&good, "{\"broken", "", &long, "[1, 2]", &Event::play(1, 2).without("ts").line()];
    data.write("log_data/a.json", lines.join("\n"));
    data.write_events("b.json", &[Event::play(2, 0).level("free"), Event::play(2, 0).level("paid")]);
    // Another event with the key of one in another file.
    data.write_events("c.json", &[Event::play(1, 0).user(9)]);
    let song = Song::new("SO1", "AR1").set("artist_latitude", serde_json::json!(91)).line();
    data.write("song_data/a.json", song);
    let both = Both::new(engine).await;
    let options = LoadOptions { max_errors: 9, ..LoadOptions::default() };
    let report = both.load_with(&data.path(), &options).await;
    assert_eq!((report.records.staged, report.records.rejected), (2, 7));
    assert_eq!(report.tables["load_errors"], 7);
}

async fn a_load_that_fails_leaves_the_tables_as_they_were_and_none_of_its_own(engine: Engine) {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    let both = Both::new(engine).await;
    both.load(&data.path()).await;
    let before = dump_of(both.warehouse.as_ref()).await;
    data.write_events("b.json", &[Event::play(2, 0), Event::play(3, 0)]);
    for bad in ["{\"broken\"", &Event::play(1, 0).level("paid").line()] {
        data.write("log_data/c.json", bad);
        let error = load_into(both.warehouse.as_ref(), &data.path()).await.unwrap_err();
        assert!(error.is_data_error(), "{error:?}");
        assert_eq!(dump_of(both.warehouse.as_ref()).await, before);
        assert_eq!(batch_tables(both.warehouse.as_ref()).await, [""; 0]);
        both.database.assert_sound();
    }
    std::fs::remove_file(data.path().join("log_data/c.json")).unwrap();
    assert_eq!(both.load(&data.path()).await.records.staged, 2);
}

async fn a_load_that_was_stopped_leaves_the_tables_as_they_were(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let directory = sample(parent.path());
    let both = Both::new(engine).await;
    let cancel = Cancel::default();
    cancel.cancel();
    let options = LoadOptions::default();
    let error = load_with(both.warehouse.as_ref(), &directory, &options, &cancel).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    assert!(dump_of(both.warehouse.as_ref()).await.values().all(Vec::is_empty));
    both.load(&directory).await;
}

async fn a_database_that_was_closed_is_the_same_when_it_is_opened_again(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let directory = sample(parent.path());
    let mut both = Both::new(engine).await;
    both.load(&directory).await;
    let before = dump_of(both.warehouse.as_ref()).await;
    both.warehouse.close().await.unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        both.warehouse = both.database.open(access).await;
        assert_eq!(dump_of(both.warehouse.as_ref()).await, before);
        both.compare().await;
        both.warehouse.close().await.unwrap();
    }
}

/// Random histories against the model; the reference engine has its own test.
fn replay_histories(engine: Engine, cases: u32) {
    let mut runner = proptest::test_runner::TestRunner::new(model::config(cases));
    let result = runner.run(&model::history(), |history| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (database, warehouse) = engine.open_new().await;
            let result = model::replay(warehouse.as_ref(), &history).await;
            database.assert_sound();
            warehouse.close().await.unwrap();
            result
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn after_any_history_of_deliveries_the_tables_are_what_the_model_says_on_postgres() {
    replay_histories(Engine::Postgres, 10);
}

#[test]
fn after_any_history_of_deliveries_the_tables_are_what_the_model_says_on_redshift() {
    replay_histories(Engine::Redshift, 6);
}

#[test]
fn every_dialect_has_an_engine_in_this_suite() {
    let dialects = Engine::ALL.map(Engine::dialect);
    for dialect in Dialect::ALL {
        assert!(dialects.contains(&dialect), "{dialect:?}");
    }
}
