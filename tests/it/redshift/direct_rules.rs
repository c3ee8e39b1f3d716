//! What Redshift reads itself is held to the same rules as what passes through the reader.

use std::collections::BTreeMap;

use serde_json::Value;
use sparkify_etl::{Cancel, Error, LoadOptions};
use sparkify_schema::{
    Dialect,
    model::{DataType, Range, Table, staging_events, staging_songs},
    sql::{SqlLibrary, context},
};
use sparkify_testkit::{DataSet, Event, Finished, Song, redshift::Oddity};
use sparkify_warehouse::{
    Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

use super::{
    SOURCE, Stand,
    direct::{assert_like_duckdb, copies, load},
    integer, run,
};
use crate::{
    cli,
    local_loads::{load_with, prepared_duckdb},
};

/// A song with a key of another value.
fn song_with(key: &str, value: &str) -> String {
    Song::new("SO1", "AR1").set(key, serde_json::from_str(value).unwrap()).line()
}

/// An event with a key of another value.
fn event_with(key: &str, value: &str) -> String {
    Event::play(1, 1).set(key, serde_json::from_str(value).unwrap()).line()
}

/// Bad records by file, and whether COPY takes them.
fn bad_records() -> Vec<(&'static str, String, bool)> {
    vec![
        ("log_data/item-too-large.json", event_with("itemInSession", "2000000"), true),
        ("log_data/item-just-too-large.json", event_with("itemInSession", "1048576"), true),
        ("log_data/item-negative.json", event_with("itemInSession", "-1"), true),
        ("log_data/session-too-large.json", event_with("sessionId", "8796093022208"), true),
        ("log_data/ts-after-9999.json", event_with("ts", "253402300800000"), true),
        ("log_data/ts-before-1970.json", event_with("ts", "-1"), true),
        ("log_data/object-for-text.json", event_with("artist", "{}"), true),
        ("log_data/array-for-text.json", event_with("song", "[\"a\", {\"b\": 1}]"), true),
        ("log_data/level-blank.json", event_with("level", "\"  \""), false),
        ("log_data/ts-null.json", event_with("ts", "null"), false),
        ("log_data/ts-in-words.json", event_with("ts", "\"yesterday\""), false),
        ("log_data/status-with-fraction.json", event_with("status", "200.5"), false),
        ("log_data/text-too-long.json", event_with("gender", "\"xxxxxxxxxxxxxxxxx\""), false),
        ("log_data/cut-off.json", Event::play(1, 1).line()[..100].to_owned(), false),
        ("log_data/no-object.json", "[1, 2]".to_owned(), false),
        ("song_data/too-far-north.json", song_with("artist_latitude", "90.5"), true),
        ("song_data/too-far-west.json", song_with("artist_longitude", "-181"), true),
        ("song_data/no-id.json", song_with("song_id", "\"\""), false),
    ]
}

/// The records that a refused load names, by file.
fn refused(finished: Finished) -> BTreeMap<String, Value> {
    let error = finished.with_code(3).json();
    let records = error["error"]["records"].as_array().unwrap().iter();
    records.map(|record| (record["path"].as_str().unwrap().to_owned(), record.clone())).collect()
}

#[test]
fn a_bad_record_is_refused_with_file_line_and_value_whether_it_is_packed_or_not() {
    let (stand, cli) = (Stand::new(), cli());
    let good = [Event::play(9, 0).user(7).line(), Song::new("SO9", "AR9").line()];
    let all = DataSet::new();
    for (file, record, _) in bad_records() {
        all.write(file, format!("{}\n{record}\n", good[usize::from(file.starts_with("song"))]));
    }
    stand.upload(&all.path());
    let packed = refused(load(&cli, &stand, "always"));
    assert_eq!(packed.len(), bad_records().len());

    for (file, _, copy_takes_it) in bad_records() {
        let address = format!("s3://{SOURCE}/data/{file}");
        let (folder, _) = file.split_once('/').unwrap();
        let part = if folder == "log_data" { "--log-data" } else { "--song-data" };
        // The file alone.
        let place = format!("s3://{SOURCE}/alone/{folder}");
        let key = format!("alone/{file}");
        stand.s3.put(SOURCE, &key, std::fs::read(all.path().join(file)).unwrap());
        let found = refused(run(&cli, &stand, &["etl", part, &place, "--pack", "never", "--format", "json"]));
        stand.s3.delete(SOURCE, &key);
        let mut expected = packed[&address].clone();
        expected["path"] = format!("s3://{SOURCE}/{key}").into();
        let found = &found[&format!("s3://{SOURCE}/{key}")];
        assert_eq!(found["line"], 2, "{file}");
        if copy_takes_it {
            // So it was found by the rules, and shown by the same reader.
            assert_eq!(*found, expected, "{file}");
        }
    }
    assert!(copies(&stand).iter().any(|sql| !sql.contains("GZIP")));
    assert_eq!(stand.staged(), Vec::<String>::new());
    stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_only_look_like_objects_and_arrays_are_texts() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    let titles = ["[untitled]", "{Album}", "[]", "{\"a\": 1}", "[1, 2]", "100% [live]"];
    let plays: Vec<_> =
        titles.iter().zip(0..).map(|(title, item)| Event::play(1, item).song(title)).collect();
    data.write_events("a.json", &plays);
    // More of them than are looked at one by one.
    let many: Vec<_> = (0..120).map(|item| Event::play(2, item).song(&format!("[take {item}]"))).collect();
    data.write_events("b.json", &many);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("[untitled]")]);
    stand.upload(&data.path());
    let report = load(&cli, &stand, "never").success().json();
    assert_like_duckdb(&stand, &data.path(), &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_the_same_whether_it_is_packed_or_not() {
    let data = DataSet::new();
    let lines = [
        event_with("length", "-0.0"),
        event_with("gender", &format!("\"F{}\"", " ".repeat(40)))
            .replace("\"itemInSession\":1", "\"itemInSession\":2"),
        event_with("length", "-0.25").replace("\"itemInSession\":1", "\"itemInSession\":3"),
    ];
    data.write("log_data/a.json", lines.join("\n"));
    let songs = [
        song_with("artist_latitude", "-0.0"),
        song_with("artist_longitude", "\"-0\"").replace("SO1", "SO2"),
        song_with("duration", "-0e5").replace("SO1", "SO3"),
    ];
    data.write("song_data/a.json", songs.join("\n"));
    for pack in ["always", "never"] {
        let (stand, cli) = (Stand::new(), cli());
        stand.upload(&data.path());
        let report = load(&cli, &stand, pack).success().json();
        assert_like_duckdb(&stand, &data.path(), &report).await;
        stand.assert_only_what_redshift_takes();
    }
}

#[test]
fn large_files_whose_objects_have_a_key_twice_are_not_left_to_redshift() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    let event = |session, item| Event::play(session, item).user(item % 50).line();
    let twice = |line: String| line.replace("\"level\":", "\"level\":\"paid\",\"level\":");
    for session in 1..=2 {
        let mut events: Vec<_> = (0..28_000).map(|item| event(session, item)).collect();
        events[5] = twice(events[5].clone());
        data.write(&format!("log_data/{session}.json"), events.join("\n"));
    }
    stand.upload(&data.path());
    let refused = load(&cli, &stand, "auto").with_code(3).json();
    let records = refused["error"]["records"].as_array().unwrap();
    let found: Vec<_> =
        records.iter().map(|record| (record["line"].as_u64(), record["field"].as_str())).collect();
    assert_eq!(found, [(Some(6), Some("level")), (Some(6), Some("level"))], "{refused}");
    let packed = copies(&stand).iter().all(|sql| sql.contains("GZIP"));
    assert!(packed, "COPY would take one of the values");
}

/// Song objects over several lines, two on a line, and one without a newline at its end.
fn odd_layouts() -> DataSet {
    let data = DataSet::new();
    let pretty = |song: &Song| {
        let value: Value = serde_json::from_str(&song.line()).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let song = |number: usize| Song::new(&format!("SO{number}"), &format!("AR{number}")).title("One");
    data.write("song_data/pretty.json", pretty(&song(1)));
    data.write("song_data/two-pretty.json", format!("{}\n{}\n", pretty(&song(2)), pretty(&song(3))));
    data.write("song_data/two-on-a-line.json", format!("{}{}", song(4).line(), song(5).line()));
    data.write("song_data/plain.json", format!("\n\n{}\n", song(6).line()));
    let event = |item| Event::play(1, item).user(7).line();
    data.write("log_data/two-on-a-line.json", format!("{} {}\n{}", event(0), event(1), event(2)));
    data.write("log_data/empty.json", "");
    data.write("log_data/blank.json", "\n \n");
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_a_record_however_it_is_laid_out_and_whoever_reads_it() {
    let data = odd_layouts();
    for (pack, oddity) in [("always", None), ("never", None), ("never", Some(Oddity::CountsLinesOfText))] {
        let (stand, cli) = (Stand::with(|options| options.oddity = oddity), cli());
        stand.upload(&data.path());
        let report = load(&cli, &stand, pack).success().json();
        assert_eq!(report["records"]["read"], 9, "{pack}, {oddity:?}");
        assert_like_duckdb(&stand, &data.path(), &report).await;
        // The ledger has the records of each file, even where COPY counts lines.
        let warehouse = stand.open().await;
        for (file, records) in [
            ("song_data/two-pretty.json", 2),
            ("song_data/two-on-a-line.json", 2),
            ("log_data/two-on-a-line.json", 3),
            ("log_data/empty.json", 0),
            ("log_data/blank.json", 0),
        ] {
            let query = format!("SELECT records FROM loaded_files WHERE path = 's3://{SOURCE}/data/{file}'");
            assert_eq!(integer(&warehouse, &query).await, records, "{file}, {pack}, {oddity:?}");
        }
    }
}

#[test]
fn copy_is_not_asked_to_read_empty_objects() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    data.write("log_data/empty.json", "");
    data.write("song_data/empty.json", "");
    stand.upload(&data.path());
    let report = load(&cli, &stand, "never").success().json();
    assert_eq!((&report["files"]["loaded"], &report["records"]["read"]), (&2.into(), &0.into()), "{report}");
    assert_eq!(copies(&stand), Vec::<String>::new());
    assert_eq!(load(&cli, &stand, "never").success().json()["files"]["loaded"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_copy_loses_fails_the_load() {
    let (stand, cli, data) =
        (Stand::with(|options| options.oddity = Some(Oddity::LosesRow)), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0), Event::play(1, 1)]);
    stand.upload(&data.path());
    let error = load(&cli, &stand, "never").with_code(1).json()["error"].to_string();
    assert!(
        error.contains("2 records") && error.contains("loaded 1") && error.contains("sparkify_run_events"),
        "{error}"
    );
    assert_eq!(integer(&stand.open().await, "SELECT COUNT(*) FROM staging_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_copy_refuses_and_the_reader_takes_is_packed_unless_it_may_not_be() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    // As many as the cluster has slices, and large enough.
    for session in 1..=2 {
        let events = (0..28_000).map(|item| Event::play(session, item).user(item % 50).line());
        data.write(&format!("log_data/{session}.json"), events.collect::<Vec<_>>().join("\n"));
    }
    let fraction = Event::play(1, 28_000).user(7).line().replace("\"status\":200", "\"status\":200.0");
    let path = data.path().join("log_data/1.json");
    std::fs::write(&path, format!("{}\n{fraction}", std::fs::read_to_string(&path).unwrap())).unwrap();
    stand.upload(&data.path());
    let refused = refused(load(&cli, &stand, "never"));
    assert_eq!(refused["s3://music/data/log_data/1.json"]["field"], "status", "{refused:?}");
    let before = copies(&stand).len();
    let finished = load(&cli, &stand, "auto").success();
    assert!(finished.stderr.contains("read here instead"), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["attempts"], 1);
    assert_like_duckdb(&stand, &data.path(), &report).await;
    let copied: Vec<_> = copies(&stand)[before..].iter().map(|sql| sql.contains("GZIP")).collect();
    assert_eq!(copied, [false, true]);
    assert_eq!(stand.staged(), Vec::<String>::new());
}

/// Whether one record is taken when it is read on its own.
async fn is_taken_by_the_reader(table: &Table, record: &str) -> bool {
    let data = DataSet::new();
    let folder = if table.name == "staging_events" { "log_data" } else { "song_data" };
    data.write(&format!("{folder}/a.json"), record);
    let engine = prepared_duckdb().await;
    match load_with(&engine, &data.path(), &LoadOptions::default(), &Cancel::default()).await {
        // The star has rules of its own.
        Ok(_) | Err(Error::Quality { .. }) => true,
        Err(Error::BadRecords { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn the_rules_that_rows_are_held_to_after_copy_are_those_of_the_reader() {
    let engine = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    let library = SqlLibrary::embedded().unwrap();
    for table in [staging_events(), staging_songs()] {
        let good = if table.name == "staging_events" {
            Event::play(1, 1).line()
        } else {
            Song::new("SO1", "AR1").line()
        };
        let good: Value = serde_json::from_str(&good).unwrap();
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| format!("{} {}", column.name, Dialect::DuckDb.type_name(column.data_type)))
            .collect();
        let create = format!("CREATE OR REPLACE TABLE batch ({})", columns.join(", "));
        let parameters = context! { table => "batch", model => table.name };
        let rules = library.render("broken_rules", Dialect::DuckDb, parameters).unwrap();
        for column in table.columns {
            let values: Vec<String> = match column.range {
                Range::Whole(low, high) => {
                    [low - 1, low, high, high + 1].map(|value| value.to_string()).to_vec()
                }
                Range::Real(low, high) => {
                    [low.next_down(), low, high, high.next_up()].map(|value| format!("{value:?}")).to_vec()
                }
                Range::Any => Vec::new(),
            };
            for value in values.iter().map(String::as_str).chain(["null"]) {
                let mut record = good.clone();
                record[column.source_key] = serde_json::from_str(value).unwrap();
                let row: Vec<_> = table
                    .columns
                    .iter()
                    .map(|column| match &record[column.source_key] {
                        Value::String(text) if matches!(column.data_type, DataType::Varchar { .. }) => {
                            format!("'{}'", text.replace('\'', "''"))
                        }
                        Value::String(text) if !text.is_empty() => text.clone(),
                        Value::Number(number) => number.to_string(),
                        _ => "NULL".to_owned(),
                    })
                    .collect();
                let insert = format!("INSERT INTO batch VALUES ({})", row.join(", "));
                engine.transact(vec![create.clone(), insert]).await.unwrap();
                let broken = engine.query(&rules).await.unwrap().row_count() > 0;
                let taken = is_taken_by_the_reader(table, &record.to_string()).await;
                assert_eq!(broken, !taken, "{} {value}", column.name);
            }
        }
    }
}
