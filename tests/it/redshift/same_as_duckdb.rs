//! What the command line leaves on Redshift is what it leaves on DuckDB, to the last row and id.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use sparkify_schema::model::{Layer, tables};
use sparkify_testkit::{Cli, DataSet, Event, Finished, Song, dump, dump_of, real_data};

use super::{BUCKET, ROLE, Stand, integer};
use crate::cli;

/// Runs the command line with everything that Redshift needs.
pub(super) fn run(cli: &Cli, stand: &Stand, arguments: &[&str]) -> Finished {
    Finished::from(command(cli, stand, arguments).output().unwrap())
}

pub(super) fn command(cli: &Cli, stand: &Stand, arguments: &[&str]) -> std::process::Command {
    let (url, stage) = (stand.redshift.owner_url(), format!("s3://{BUCKET}/of the command line"));
    let ours = ["--warehouse", &url, "--stage", &stage, "--iam-role", ROLE, "--no-progress"];
    let mut command = cli.command(arguments.iter().copied().chain(ours));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs(stand.s3.environment());
    command
}

/// Loads into both and compares reports and tables; returns Redshift's report.
async fn load_both(redshift: &Cli, duckdb: &Cli, stand: &Stand, data: &Path) -> Value {
    let expected = duckdb.load(data);
    let data = data.to_str().unwrap();
    let report = run(redshift, stand, &["run", "--source", data, "--format", "json"]).success().json();
    for part in ["files", "records", "tables", "matched_songplays", "checks", "analytics"] {
        assert_eq!(report[part], expected[part], "{part}");
    }
    let (expected, found) = (dump(&duckdb.database()), dump_of(&stand.open().await).await);
    for (table, rows) in &expected {
        assert_eq!(&found[table], rows, "{table}");
    }
    assert_eq!(expected.len(), tables().iter().filter(|table| table.layer != Layer::Ledger).count());
    assert_eq!(stand.staged(), Vec::<String>::new());
    stand.assert_only_what_redshift_takes();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_loaded_alike_and_a_second_load_loads_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    sparkify_eventsim::Sample { users: 40, days: 10, ..Default::default() }.write(&directory).unwrap();
    let (stand, redshift, duckdb) = (Stand::new(), cli(), cli());
    let report = load_both(&redshift, &duckdb, &stand, &directory).await;
    assert!(report["records"]["staged"].as_i64().unwrap() > 500, "{report}");
    let report = load_both(&redshift, &duckdb, &stand, &directory).await;
    assert_eq!(report["files"]["loaded"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_logs_are_loaded_alike() {
    let parent = tempfile::tempdir().unwrap();
    let directory = real_data().unwrap_or_else(|| {
        let directory = parent.path().join("sample");
        sparkify_eventsim::Sample { days: 30, ..Default::default() }.write(&directory).unwrap();
        directory
    });
    let (stand, redshift, duckdb) = (Stand::new(), cli(), cli());
    let report = load_both(&redshift, &duckdb, &stand, &directory).await;
    assert!(report["records"]["staged"].as_i64().unwrap() > 1000, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_bit_by_bit_change_and_repeat_are_loaded_alike() {
    let (stand, redshift, duckdb, data) = (Stand::new(), cli(), cli(), DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).user(7).song("One").level("free"),
            Event::play(1, 1).user(7).song("it's \\ \"quoted\" 🎵").level("paid"),
            Event::play(1, 2).user(8).song("trailing blanks  "),
        ],
    );
    data.write_songs(
        "a.json",
        &[Song::new("SO1", "AR1").title("One"), Song::new("SO2", "AR2").at(1.5, -2.5)],
    );
    load_both(&redshift, &duckdb, &stand, &data.path()).await;
    // The same events again, a song that matches an earlier play, and a song of the same title.
    data.write_events(
        "b.json",
        &[Event::play(1, 0).user(7).song("One").level("free"), Event::play(2, 0).user(9)],
    );
    data.write_songs(
        "b.json",
        &[Song::new("SO3", "AR1").title("trailing blanks"), Song::new("SO0", "AR3").title("One").year(1999)],
    );
    let report = load_both(&redshift, &duckdb, &stand, &data.path()).await;
    assert_eq!(report["records"]["duplicate"], 1);
    data.write_events("b.json", &[Event::play(2, 0).user(8).level("paid"), Event::play(2, 1).song("Other")]);
    data.write_songs("b.json", &[Song::new("SO3", "AR4").title("Other").year(2001)]);
    let report = load_both(&redshift, &duckdb, &stand, &data.path()).await;
    assert_eq!(report["files"]["changed"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_never_reach_copy_and_those_set_aside_are_the_same() {
    let (stand, redshift, duckdb, data) = (Stand::new(), cli(), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0), Event::play(1, 1)]);
    data.write("log_data/b.json", "{\"page\": \"Home\"\nno JSON\n");
    let path = data.path();
    let arguments = ["run", "--source", path.to_str().unwrap(), "--format", "json"];
    let finished = run(&redshift, &stand, &arguments).with_code(3);
    assert!(finished.json()["error"]["records"][0]["path"].as_str().unwrap().ends_with("b.json"));
    assert_eq!(integer(&stand.open().await, "SELECT COUNT(*) FROM staging_events").await, 0);
    assert_eq!(stand.staged(), Vec::<String>::new());

    let allowing = [&arguments[..], &["--max-errors", "5"]].concat();
    let report = run(&redshift, &stand, &allowing).success().json();
    let expected = duckdb.load_with(&path, &["--max-errors", "5"]);
    assert_eq!(report["records"], expected["records"]);
    let sql = "SELECT line_number, column_number, reason, value FROM load_errors ORDER BY line_number";
    let of_redshift =
        run(&redshift, &stand, &["explore", "--query", sql, "--format", "json"]).success().json();
    let of_duckdb = duckdb.run(["explore", "--query", sql, "--format", "json"]).success().json();
    assert_eq!(of_redshift, of_duckdb);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_events_with_one_key_are_told_with_both_places() {
    let (stand, redshift, duckdb, data) = (Stand::new(), cli(), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(1), Event::play(1, 1)]);
    data.write_events("b.json", &[Event::play(1, 0).user(2)]);
    let path = data.path();
    let arguments = ["run", "--source", path.to_str().unwrap(), "--format", "json", "--max-errors", "1"];
    let report = run(&redshift, &stand, &arguments).success().json();
    assert_eq!(report["records"]["rejected"], 1);
    let _ = duckdb.load_with(&path, &["--max-errors", "1"]);
    let found: BTreeMap<_, _> = dump_of(&stand.open().await).await;
    assert_eq!(found, dump(&duckdb.database()));
}
