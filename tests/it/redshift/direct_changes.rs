//! Objects that change between the listing and their reading, and runs that are cut or killed meanwhile.

use std::time::Duration;

use sparkify_testkit::{
    Cli, DataSet, Event, Finished, Song, dump, dump_of,
    redshift::{Action, Fault, Oddity},
};

use super::{
    SOURCE, Stand,
    direct::{assert_like_duckdb, copies, load},
    integer, run, start,
};
use crate::cli;

const KEY: &str = "data/log_data/a.json";

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Replaced,
    Deleted,
}

fn data() -> DataSet {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).user(7), Event::play(1, 1).user(8)]);
    data.write_events("b.json", &[Event::play(2, 0).user(9)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One")]);
    data
}

/// A stand with data in its bucket, and with tables.
fn ready(oddity: Option<Oddity>, cli: &Cli) -> (Stand, DataSet) {
    let (stand, data) = (Stand::with(|options| options.oddity = oddity), data());
    stand.upload(&data.path());
    let _ = run(cli, &stand, &["create-tables"]).success();
    (stand, data)
}

/// Starts a load, and holds the first statement that begins with this back for a while.
async fn start_and_hold(cli: &Cli, stand: &Stand, pack: &str, statement: &str) -> std::process::Child {
    stand.redshift.inject(Fault::before_any(statement, Action::Delay(Duration::from_secs(2))));
    let arguments =
        ["etl", "--source", "s3://music/data", "--pack", pack, "--retries", "0", "--format", "json"];
    let child = start(cli, stand, &arguments);
    stand.until_sent(1, |sql| sql.contains(statement)).await;
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_after_the_listing_is_never_loaded_as_something_that_was_not_listed() {
    // The ledger is read after the listing, and before anything else.
    let after_listing = "SELECT path, size_bytes";
    for pack in ["never", "always"] {
        for change in [Change::Added, Change::Replaced, Change::Deleted] {
            let what = format!("{pack}, {change:?}");
            let cli = cli();
            let (stand, data) = ready(None, &cli);
            let child = start_and_hold(&cli, &stand, pack, after_listing).await;
            match change {
                Change::Added => {
                    data.write_events("c.json", &[Event::play(3, 0).user(9)]);
                }
                Change::Replaced => {
                    data.write_events("a.json", &[Event::play(4, 0).user(9)]);
                }
                Change::Deleted => std::fs::remove_file(data.path().join("log_data/a.json")).unwrap(),
            }
            if change == Change::Deleted {
                stand.s3.delete(SOURCE, KEY);
            }
            stand.s3.put_directory(SOURCE, "data/", &data.path());
            let finished = Finished::from(child.wait_with_output().unwrap());
            if change == Change::Added {
                let report = finished.success().json();
                assert_eq!(
                    (&report["files"]["loaded"], &report["records"]["read"]),
                    (&3.into(), &4.into()),
                    "{what}"
                );
            } else {
                let finished = finished.with_code(1);
                let error = finished.json()["error"].to_string();
                assert!(error.contains("a.json"), "{what}: {error}");
                let warehouse = stand.open().await;
                assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM staging_events").await, 0, "{what}");
            }
            // The next run loads what is there now.
            let report = load(&cli, &stand, pack).success().json();
            assert_eq!(
                report["files"]["loaded"],
                if change == Change::Added { 1 } else { report["files"]["found"].as_i64().unwrap() },
                "{what}"
            );
            let duckdb = crate::cli();
            let _ = duckdb.load(&data.path());
            let (expected, found) = (dump(&duckdb.database()), dump_of(&stand.open().await).await);
            for (table, rows) in &expected {
                assert_eq!(&found[table], rows, "{what}: {table}");
            }
            assert_eq!(stand.staged(), Vec::<String>::new(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_redshift_does_not_tell_entity_tags_the_objects_are_looked_at_once_more() {
    let cli = cli();
    let (stand, data) = ready(Some(Oddity::HidesTags), &cli);
    let child = start_and_hold(&cli, &stand, "never", "COPY sparkify_run_events").await;
    data.write_events("a.json", &[Event::play(4, 0).user(9)]);
    stand.s3.put_directory(SOURCE, "data/", &data.path());
    let finished = Finished::from(child.wait_with_output().unwrap()).with_code(1);
    let error = finished.json()["error"].to_string();
    assert!(error.contains("a.json") && error.contains("changed while it was read"), "{error}");
    assert_eq!(integer(&stand.open().await, "SELECT COUNT(*) FROM staging_events").await, 0);
    let report = load(&cli, &stand, "never").success().json();
    assert_like_duckdb(&stand, &data.path(), &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_at_any_statement_of_the_direct_load_costs_one_more_attempt() {
    for statement in [
        "COPY sparkify_run_events",
        "pg_last_copy_id()",
        "FROM sys_load_history",
        "FROM sys_load_detail",
        "NOT BETWEEN",
        "AS content",
    ] {
        for action in [Action::CloseBefore, Action::CloseAfter] {
            let what = format!("{statement}, {action:?}");
            let cli = cli();
            let (stand, data) = ready(None, &cli);
            stand.redshift.inject(Fault::containing(statement, action));
            let report = load(&cli, &stand, "never").success().json();
            assert_eq!(report["attempts"], 2, "{what}");
            assert_like_duckdb(&stand, &data.path(), &report).await;
            assert_eq!(stand.staged(), Vec::<String>::new(), "{what}");
            stand.assert_only_what_redshift_takes();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_while_redshift_reads_leaves_nothing_and_the_next_one_completes_it() {
    for statement in ["COPY sparkify_run_events", "SELECT artist, auth", "INSERT INTO load_runs"] {
        let cli = cli();
        let (stand, data) = ready(None, &cli);
        let mut child = start_and_hold(&cli, &stand, "never", statement).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(integer(&stand.open().await, "SELECT COUNT(*) FROM songplays").await, 0, "{statement}");
        assert!(!copies(&stand).is_empty());
        let arguments =
            ["run", "--source", "s3://music/data", "--pack", "never", "--wait", "30s", "--format", "json"];
        let report = run(&cli, &stand, &arguments).success().json();
        assert_like_duckdb(&stand, &data.path(), &report).await;
        assert_eq!(stand.staged(), Vec::<String>::new(), "{statement}");
    }
}
