//! What a load from S3 leaves is what a load of the same files from a directory leaves.

use std::io::Write;

use serde_json::json;
use sparkify_schema::model::staging_events;
use sparkify_testkit::{
    Cli, DataSet, Event, PostgresServer, Song, dump, query, real_data,
    s3::{Operation, S3Double, S3DoubleOptions},
};
use sparkify_warehouse::{
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::{PostgresOptions, PostgresWarehouse},
};

use super::{BUCKET, SOURCE, load_from, run, s3_like, s3_with};
use crate::cli;

/// Loads a directory, and the same files from an S3, and compares. Returns the database of the second load.
fn compare(data: &DataSet, s3: &S3Double) -> Cli {
    let (local, remote) = (cli(), cli());
    let expected = local.load(&data.path());
    let report = load_from(&remote, s3);
    for part in ["files", "records", "tables", "matched_songplays", "match_rate", "analytics"] {
        assert_eq!(report[part], expected[part], "{part}");
    }
    assert_eq!(report["source"], SOURCE);
    assert!(dump(&remote.database()) == dump(&local.database()));
    remote
}

#[test]
fn the_logs_of_a_month_are_loaded_alike_with_their_addresses_and_etags_in_the_ledger() {
    let local = cli();
    // The real data where it is at hand, or else the sample.
    let data = real_data().unwrap_or_else(|| {
        let _ = local.run(["run"]).success();
        local.directory().join("sparkify-sample")
    });
    let s3 = s3_with(&data);
    let (local, remote) = (cli(), cli());
    let expected = local.load(&data);
    let report = load_from(&remote, &s3);
    for part in ["files", "records", "tables", "matched_songplays", "analytics"] {
        assert_eq!(report[part], expected[part], "{part}");
    }
    assert!(dump(&remote.database()) == dump(&local.database()));
    let ledger = query(
        &remote.database(),
        "SELECT COUNT(*) FROM loaded_files WHERE path LIKE 's3://music/data/%_data/%.json' AND content_hash LIKE 'etag:%' \
         AND modified_ns IS NOT NULL AND size_bytes > 0",
    );
    assert_eq!(ledger, [[report["files"]["loaded"].to_string()]]);
    let _ = remote.run(["check"]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_loaded_from_s3_as_duckdb_is_from_a_directory() {
    let sample = cli();
    let _ = sample.run(["run"]).success();
    let s3 = s3_with(&sample.directory().join("sparkify-sample"));
    let database = PostgresServer::shared().create_database();
    let remote = cli();
    let arguments = ["run", "--source", SOURCE, "--warehouse", &database.url(), "--format", "json"];
    let report = run(&remote, &s3, &arguments).success().json();
    assert!(report["records"]["staged"].as_u64().unwrap() > 1000);
    let duckdb = DuckDbWarehouse::open(&DuckDbOptions::file(sample.database()).read_only()).unwrap();
    let options = PostgresOptions::from_url(&database.url(), &|_| None).unwrap();
    let postgres = PostgresWarehouse::open(&options).await.unwrap();
    assert!(super::dump(&postgres).await == super::dump(&duckdb).await);
    let again = run(&remote, &s3, &arguments).success().json();
    assert_eq!(again["files"]["loaded"], 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_pretty_printed_and_empty_objects_are_loaded_alike_and_others_are_left_out() {
    let data = DataSet::new();
    let events =
        |session| (0..50).map(|item| Event::play(session, item).line()).collect::<Vec<_>>().join("\n");
    data.write("log_data/2018/a.json.gz", gzip(events(1).as_bytes()));
    data.write("log_data/2018/b.jsonl.zst", zstd::encode_all(events(2).as_bytes(), 3).unwrap());
    data.write("log_data/2018/c d+e&f %20 ü.ndjson", events(3));
    data.write("log_data/2018/empty.json", "");
    data.write("log_data/_SUCCESS", "");
    data.write("log_data/2018/notes.txt", "no data");
    data.write("log_data/.hidden/x.json", "no data");
    let pretty = serde_json::to_string_pretty(
        &serde_json::from_str::<serde_json::Value>(&Song::new("SO1", "AR1").line()).unwrap(),
    );
    data.write("song_data/A/pretty.json", pretty.unwrap());
    data.write_songs("two.json", &[Song::new("SO2", "AR2"), Song::new("SO3", "AR2")]);
    let s3 = s3_with(&data.path());
    // What tools leave for folders, and prefixes that only begin like ours.
    s3.put(BUCKET, "data/log_data/", "");
    s3.put(BUCKET, "data/song_data/A/", "");
    s3.put(BUCKET, "data/log_data_old/x.json", "no data");
    s3.put(BUCKET, "data/song_data.json", "no data");
    let remote = compare(&data, &s3);
    assert_eq!(query(&remote.database(), "SELECT COUNT(*) FROM staging_events"), [["150"]]);
}

#[test]
fn the_json_paths_object_is_honoured() {
    let data = DataSet::new();
    let mut paths: Vec<_> =
        staging_events().columns.iter().map(|column| format!("$['{}']", column.source_key)).collect();
    let (song, artist) = (
        paths.iter().position(|path| path == "$['song']").unwrap(),
        paths.iter().position(|path| path == "$['artist']").unwrap(),
    );
    paths.swap(song, artist);
    data.write("log_json_path.json", json!({ "jsonpaths": paths }).to_string());
    data.write_events("a.json", &[Event::play(1, 0).song("A song").artist("An artist")]);
    let remote = compare(&data, &s3_with(&data.path()));
    assert_eq!(
        query(&remote.database(), "SELECT song, artist FROM staging_events"),
        [["An artist", "A song"]]
    );
}

#[test]
fn listings_of_many_pages_and_prefixes_have_each_object_once() {
    let data = DataSet::new();
    for number in 0..40 {
        // Flat, in a few folders, and in many.
        data.write_events(&format!("{number}.json"), &[Event::play(number, 0)]);
        data.write_events(&format!("2018/{:02}/{number}.json", number % 3), &[Event::play(number, 1)]);
        data.write_songs(
            &format!("{}/B/{}/D/E/{number}.json", number % 4, number % 20),
            &[Song::new(&format!("SO{number}"), "AR")],
        );
    }
    let s3 = s3_like(S3DoubleOptions { page_size: 7, ..S3DoubleOptions::default() }, &data.path());
    let _ = compare(&data, &s3);
    let requests = s3.requests();
    assert_eq!(requests.of(Operation::Get), 120 + 1, "each object and the JSONPaths file");
    assert_eq!(requests.of(Operation::Head), 0);
    assert_eq!(requests.errors, 1, "there is no JSONPaths file");
}

#[test]
fn an_object_larger_than_what_is_kept_in_memory_is_loaded_alike() {
    let data = DataSet::new();
    let events: Vec<_> = (0..40_000)
        .map(|n| Event::play(n / 200, n % 200).user(n % 90).song(&format!("Song {}", n % 300)))
        .collect();
    data.write_events("large.json", &events);
    data.write("log_data/large.json.gz", gzip(Event::play(999_999, 0).line().as_bytes()));
    assert!(std::fs::metadata(data.path().join("log_data/large.json")).unwrap().len() > 12 * 1024 * 1024);
    let _ = compare(&data, &s3_with(&data.path()));
}
