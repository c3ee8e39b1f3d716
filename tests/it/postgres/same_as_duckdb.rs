//! What a load leaves on PostgreSQL is what it leaves on DuckDB, to the last row and id.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use proptest::prelude::*;
use serde_json::json;
use sparkify_analytics::Catalogue;
use sparkify_etl::{
    Cancel, LoadOptions, Progress, RunReport, create_tables, load, quality, recreate_tables,
    source::LocalDirectory, verify_tables,
};
use sparkify_eventsim::Sample;
use sparkify_schema::{
    model::{Layer, tables},
    sql::SqlLibrary,
};
use sparkify_testkit::{DataSet, Event, PostgresServer, Song, real_data};
use sparkify_warehouse::{
    RecordSet, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::PostgresWarehouse,
};

use super::fresh;
use crate::model;

/// Both engines, with the same empty tables.
struct Both {
    duckdb: DuckDbWarehouse,
    postgres: PostgresWarehouse,
    library: SqlLibrary,
}

impl Both {
    async fn new() -> Self {
        let library = SqlLibrary::embedded().unwrap();
        let duckdb = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
        let postgres = fresh().await;
        create_tables(&duckdb, &library).await.unwrap();
        create_tables(&postgres, &library).await.unwrap();
        verify_tables(&postgres, &library).await.unwrap();
        Self { duckdb, postgres, library }
    }

    async fn load_one(&self, warehouse: &dyn Warehouse, data: &Path) -> RunReport {
        let source = Arc::new(LocalDirectory::new(data));
        let (options, progress) = (LoadOptions::default(), Arc::new(Progress::default()));
        load(warehouse, source, &self.library, &options, &progress, &Cancel::default())
            .await
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Loads into both and compares; returns PostgreSQL's report.
    async fn load(&self, data: &Path) -> RunReport {
        let expected = self.load_one(&self.duckdb, data).await;
        let report = self.load_one(&self.postgres, data).await;
        assert_eq!(report.files, expected.files);
        assert_eq!(report.records, expected.records);
        assert_eq!(report.tables, expected.tables);
        assert_eq!(report.matched_songplays, expected.matched_songplays);
        self.compare().await;
        report
    }

    async fn compare(&self) {
        let (expected, found) = (dump(&self.duckdb).await, dump(&self.postgres).await);
        for (table, rows) in &expected {
            assert_eq!(&found[table], rows, "{table}");
        }
        let catalogue = Catalogue::new(&self.library).unwrap();
        assert!(catalogue.queries().len() >= 15);
        for query in catalogue.queries() {
            // The ledger tables are compared by their row counts.
            let expected = catalogue.run(&self.duckdb, &query.name).await.unwrap();
            let found = catalogue.run(&self.postgres, &query.name).await.unwrap();
            assert_eq!(names(&found.records), names(&expected.records), "{}", query.name);
            assert_eq!(rows(&found.records), rows(&expected.records), "{}", query.name);
        }
        let checks = quality::check(&self.postgres, &self.library).await.unwrap();
        assert!(checks.len() >= 29);
        for check in checks {
            assert_eq!(check.violations, 0, "{}", check.name);
        }
    }
}

fn names(records: &RecordSet) -> Vec<String> {
    records.schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn rows(records: &RecordSet) -> Vec<String> {
    let columns = records.schema().fields().len();
    let value = |row, column| records.text(row, column).unwrap_or_else(|| "NULL".to_owned());
    (0..records.row_count())
        .map(|row| (0..columns).map(|column| value(row, column)).collect::<Vec<_>>().join("\u{1f}"))
        .collect()
}

/// All rows of all staging and star tables, sorted.
pub(crate) async fn dump(warehouse: &dyn Warehouse) -> BTreeMap<&'static str, Vec<String>> {
    let mut dump = BTreeMap::new();
    for table in tables().into_iter().filter(|table| table.layer != Layer::Ledger) {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let sql = format!("SELECT {} FROM {}", columns.join(", "), table.name);
        let mut rows = rows(&warehouse.query(&sql).await.unwrap());
        rows.sort_unstable();
        dump.insert(table.name, rows);
    }
    dump
}

pub(crate) fn sample(directory: &Path) {
    Sample { users: 40, days: 10, ..Sample::default() }.write(directory).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_loaded_alike_and_a_second_load_loads_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    sample(&directory);
    let both = Both::new().await;
    let report = both.load(&directory).await;
    assert!(report.records.staged > 500, "{report:?}");
    let before = dump(&both.postgres).await;
    let report = both.load(&directory).await;
    assert_eq!((report.files.loaded, report.records.read), (0, 0));
    assert_eq!(dump(&both.postgres).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_logs_are_loaded_alike() {
    let parent = tempfile::tempdir().unwrap();
    let directory = real_data().unwrap_or_else(|| {
        let directory = parent.path().join("sample");
        Sample { days: 30, ..Sample::default() }.write(&directory).unwrap();
        directory
    });
    let both = Both::new().await;
    assert!(both.load(&directory).await.records.staged > 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_bit_by_bit_and_files_that_change_are_loaded_alike() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    sample(&directory);
    let mut names = Vec::new();
    for folder in ["log_data", "song_data"] {
        let mut folders = vec![directory.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(&directory).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    names.sort_unstable();
    let (both, data) = (Both::new().await, DataSet::new());
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
    let report = both.load(&data.path()).await;
    assert_eq!(report.files.changed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_any_script_sort_and_compare_alike() {
    let titles = [
        "Zebra",
        "apple",
        "Äpfel",
        "straße",
        "STRASSE",
        "ﬁ",
        "東京",
        "🎵 song",
        "a\\b",
        "it's",
        "\"quoted\"",
        "tab\there",
        "e\u{301}",
        "é",
        "a b",
        "ab",
        "a-b",
        "_",
        "trailing  ",
    ];
    let data = DataSet::new();
    let (mut events, mut songs) = (Vec::new(), Vec::new());
    for (index, title) in titles.into_iter().enumerate() {
        let index = index as i64;
        events.push(
            Event::play(index, 0)
                .user(index % 3 + 1)
                .song(title)
                .artist(titles[(index as usize + 3) % titles.len()]),
        );
        // Ids that sort differently by language and by bytes; names of equal length compete for an artist.
        songs.push(
            Song::new(&format!("S{title}"), &format!("A{}", title.chars().next().unwrap()))
                .title(title)
                .artist(title)
                .set("artist_location", json!(title)),
        );
    }
    data.write_events("a.json", &events);
    data.write_songs("a.json", &songs);
    let both = Both::new().await;
    both.load(&data.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_at_their_limits_are_kept_to_the_last_digit() {
    let data = DataSet::new();
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).length(f64::MAX),
            Event::play(2, 0).length(5e-324),
            Event::play(3, 0).length(0.1 + 0.2),
            Event::play(4, 0).ts(253_402_300_799_999),
            Event::play(5, 0).ts(9_007_199_254_741),
            Event::play(6, 0).ts(0),
            Event::play(8_796_093_022_207, 1_048_575).ts(1),
        ],
    );
    data.write_songs(
        "a.json",
        &[
            Song::new("SO1", "AR1").at(-90.0, 180.0).duration(1e-7),
            Song::new("SO2", "AR2").at(1.0 / 3.0, -1.0 / 3.0),
        ],
    );
    let both = Both::new().await;
    both.load(&data.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_leaves_the_tables_as_they_were_and_no_tables_of_its_own() {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    let both = Both::new().await;
    both.load(&data.path()).await;
    let before = dump(&both.postgres).await;
    data.write_events("b.json", &[Event::play(2, 0), Event::play(3, 0)]);
    data.write("log_data/c.json", "{\"broken\"");
    let source = Arc::new(LocalDirectory::new(data.path()));
    let (options, progress) = (LoadOptions::default(), Arc::new(Progress::default()));
    let error = load(&both.postgres, source, &both.library, &options, &progress, &Cancel::default())
        .await
        .unwrap_err();
    assert!(error.is_data_error(), "{error:?}");
    assert_eq!(dump(&both.postgres).await, before);
    let left = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'batch%'";
    assert_eq!(super::integer(&both.postgres, left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_with_other_columns_are_noticed_and_can_be_made_anew() {
    let both = Both::new().await;
    both.postgres
        .transact(vec!["ALTER TABLE users ALTER COLUMN gender TYPE INTEGER USING 1".to_owned()])
        .await
        .unwrap();
    let error = create_tables(&both.postgres, &both.library).await.unwrap_err();
    assert!(error.to_string().contains("users.gender"), "{error}");
    recreate_tables(&both.postgres).await.unwrap();
    verify_tables(&both.postgres, &both.library).await.unwrap();
}

proptest! {
    #![proptest_config(model::config(10))]

    #[test]
    fn after_any_history_of_deliveries_the_tables_are_what_the_model_says(history in model::history()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let database = PostgresServer::shared().create_database();
        runtime.block_on(async {
            let warehouse = super::open(&database).await;
            model::replay(&warehouse, &history).await
        })?;
    }
}
