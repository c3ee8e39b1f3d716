//! Loads from S3 whose files Redshift reads itself, without their passing through the program.

use serde_json::Value;
use sparkify_testkit::{
    DataSet, Event, Finished, Song, dump, dump_of, real_data,
    redshift::{Action, Fault},
};

use super::{SOURCE, Stand, run, start};
use crate::cli;

/// Loads what is in the bucket, as Redshift reads it itself unless `pack` says otherwise.
pub(super) fn load(cli: &sparkify_testkit::Cli, stand: &Stand, pack: &str) -> Finished {
    let arguments = ["run", "--source", "s3://music/data", "--pack", pack, "--format", "json"];
    run(cli, stand, &arguments)
}

/// The COPY statements of events and songs that were received, with the object they name.
pub(super) fn copies(stand: &Stand) -> Vec<String> {
    let statements = stand.redshift.statements();
    let texts = statements.iter().filter_map(|received| received.sql().map(str::to_owned));
    // The ledger is always packed.
    let is_ledger = |sql: &str| {
        ["load", "file_times"].iter().any(|rest| sql.starts_with(&format!("COPY sparkify_run_{rest}")))
    };
    texts.filter(|sql| sql.starts_with("COPY sparkify_run_") && !is_ledger(sql)).collect()
}

pub(super) async fn assert_like_duckdb(stand: &Stand, data: &std::path::Path, report: &Value) {
    let duckdb = cli();
    let expected = duckdb.load(data);
    for part in ["records", "tables", "matched_songplays", "checks", "analytics"] {
        assert_eq!(report[part], expected[part], "{part}");
    }
    let (expected, found) = (dump(&duckdb.database()), dump_of(&stand.open().await).await);
    for (table, rows) in &expected {
        assert_eq!(&found[table], rows, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redshift_reads_itself_gives_the_same_tables() {
    let parent = tempfile::tempdir().unwrap();
    let data = real_data().unwrap_or_else(|| {
        let directory = parent.path().join("sample");
        sparkify_eventsim::Sample { days: 30, ..Default::default() }.write(&directory).unwrap();
        directory
    });
    let (stand, cli) = (Stand::new(), cli());
    stand.upload(&data);
    let report = load(&cli, &stand, "never").success().json();
    assert_like_duckdb(&stand, &data, &report).await;

    let copies = copies(&stand);
    assert_eq!(copies.len(), 2, "one for events, one for songs: {copies:#?}");
    assert!(copies.iter().all(|sql| sql.contains("MANIFEST") && sql.contains("BLANKSASNULL")), "{copies:#?}");
    assert_eq!(stand.staged(), Vec::<String>::new(), "manifests are cleaned up");
    stand.assert_only_what_redshift_takes();

    // A further load knows the files, and one that packs does too.
    for pack in ["never", "always"] {
        let again = load(&cli, &stand, pack).success().json();
        assert_eq!(again["files"]["loaded"], 0, "{again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_packed_and_large_ones_are_left_to_redshift() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    // As many files as the cluster has slices.
    for session in 1..=2 {
        let events: Vec<_> = (0..28_000).map(|item| Event::play(session, item).user(item % 50)).collect();
        data.write_events(&format!("{session}.json"), &events);
    }
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One")]);
    data.write_songs("b.json", &[Song::new("SO2", "AR2")]);
    stand.upload(&data.path());
    let slow = Action::Delay(std::time::Duration::from_secs(3));
    stand.redshift.inject(Fault::before_any("COPY sparkify_run_", slow).times(2));
    let report = load(&cli, &stand, "auto").success().json();
    let together = "SELECT COUNT(*) FROM sys_query_history AS a JOIN sys_query_history AS b \
                    ON a.start_time < b.end_time AND b.start_time < a.end_time \
                    WHERE a.query_text LIKE 'COPY sparkify_run_events (%' AND b.query_text LIKE 'COPY sparkify_run_songs (%'";
    assert_eq!(super::integer(&stand.open().await, together).await, 1, "they ran at the same time");
    assert_like_duckdb(&stand, &data.path(), &report).await;
    let copies = copies(&stand);
    let of = |table: &str| copies.iter().find(|sql| sql.contains(table)).cloned().unwrap_or_default();
    assert!(!of("sparkify_run_events (").contains("GZIP"), "as it is: {copies:#?}");
    assert!(of("sparkify_run_songs (").contains("GZIP"), "packed: {copies:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_and_changed_files_are_told_from_each_other_as_always() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(7).level("free"), Event::play(1, 1).user(8)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One")]);
    stand.upload(&data.path());
    let _ = load(&cli, &stand, "never").success();
    data.write_events("b.json", &[Event::play(1, 1).user(8), Event::play(2, 0).user(7).level("paid")]);
    stand.upload(&data.path());
    let report = load(&cli, &stand, "never").success().json();
    assert_eq!(report["records"]["duplicate"], 1, "{report}");
    assert_eq!(report["files"]["skipped"], 2, "{report}");

    data.write_events("c.json", &[Event::play(1, 1).user(9)]);
    stand.upload(&data.path());
    let refused = load(&cli, &stand, "never").with_code(3).json();
    let record = &refused["error"]["records"][0];
    assert_eq!(record["path"], "s3://music/data/log_data/c.json", "{refused}");
    assert_eq!(record["line"], 1);
    assert_eq!(stand.staged(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_copy_refuses_is_shown_with_file_line_column_value_and_remedy() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(7)]);
    let bad = Event::play(1, 1).user(8).line().replace("\"ts\":", "\"ts\":\"yesterday\",\"was\":");
    data.write("log_data/b.json", format!("{}\n{bad}\n", Event::play(2, 0).user(8).line()));
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    stand.upload(&data.path());
    let arguments = ["run", "--source", "s3://music/data", "--pack", "never"];
    let finished = run(&cli, &stand, &arguments).with_code(3);
    for part in
        ["s3://music/data/log_data/b.json, line 2", "ts", "int8", "value:  \"yesterday\"", "remedy:", "hint:"]
    {
        assert!(finished.stderr.contains(part), "{part} is not in\n{}", finished.stderr);
    }
    let plays = run(&cli, &stand, &["explore", "row_counts", "--format", "json"]).success().stdout;
    assert!(!plays.contains("\"rows\": 1") && !plays.contains("\"rows\":1,"), "nothing was loaded: {plays}");
    assert_eq!(stand.staged(), Vec::<String>::new());

    // Packed, the same record is found before Redshift sees it.
    let packed = load(&cli, &stand, "always").with_code(3).json();
    let record = &packed["error"]["records"][0];
    assert_eq!((&record["path"], &record["line"]), (&"s3://music/data/log_data/b.json".into(), &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_or_deleted_after_it_was_listed_publishes_nothing() {
    for replace in [true, false] {
        let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
        data.write_events("a.json", &[Event::play(1, 0).user(7)]);
        data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
        stand.upload(&data.path());
        let _ = run(&cli, &stand, &["create-tables"]).success();
        stand.redshift.inject(Fault::before_any(
            "COPY sparkify_run_events",
            Action::Delay(std::time::Duration::from_secs(2)),
        ));
        let arguments = ["etl", "--source", "s3://music/data", "--pack", "never", "--retries", "0"];
        let child = start(&cli, &stand, &arguments);
        stand.until_sent(1, |sql| sql.starts_with("COPY sparkify_run_events")).await;
        if replace {
            let other = format!("{}\n", Event::play(3, 0).user(9).line());
            stand.s3.put(SOURCE, "data/log_data/a.json", other);
        } else {
            stand.s3.delete(SOURCE, "data/log_data/a.json");
        }
        let finished = Finished::from(child.wait_with_output().unwrap()).with_code(1);
        assert!(finished.stderr.contains("a.json"), "{}", finished.stderr);
        let warehouse = stand.open().await;
        assert_eq!(super::integer(&warehouse, "SELECT COUNT(*) FROM staging_events").await, 0);
        // What is there now is loaded by the next run.
        if replace {
            let report = load(&cli, &stand, "never").success().json();
            assert_eq!(report["tables"]["songplays"], 1);
        }
    }
}

#[test]
fn where_redshift_cannot_read_the_files_itself_never_says_so() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0)]);
    let path = data.path();
    let local = run(&cli, &stand, &["run", "--source", path.to_str().unwrap(), "--pack", "never"]);
    let local = local.with_code(1);
    assert!(local.stderr.contains("not in S3") && local.stderr.contains("--pack auto"), "{}", local.stderr);
    stand.upload(&path);
    let arguments = ["run", "--source", "s3://music/data", "--pack", "never", "--max-errors", "1"];
    let lenient = run(&cli, &stand, &arguments).with_code(1);
    assert!(lenient.stderr.contains("set aside"), "{}", lenient.stderr);
}
