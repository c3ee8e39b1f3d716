//! `run` and `etl`.

use std::{
    collections::BTreeSet,
    fs::{File, FileTimes},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use sparkify_eventsim::Sample;
use sparkify_testkit::{DataSet, Event, Finished, Song, dump, query};

use super::{assert_text, loaded, run_unread, settled};
use crate::cli;

const TABLES: [&str; 7] =
    ["staging_events", "staging_songs", "songplays", "users", "songs", "artists", "time"];

/// A small data set of one play that matches a song, written an hour ago.
fn data() -> DataSet {
    let data = DataSet::new();
    let files = [
        data.write_events("1.json", &[Event::play(1, 0)]),
        data.write_songs("1.json", &[Song::new("SO1", "AR1")]),
    ];
    for path in files {
        age(&path);
    }
    data
}

/// Makes the file old: the time of a file of this moment is not relied on, and is recorded later.
fn age(path: &std::path::Path) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600))).unwrap();
}

#[test]
fn without_a_source_a_sample_is_made_loaded_and_explored() {
    let cli = cli();
    let finished = cli.run(["run"]).success();
    assert_eq!(
        finished.stderr,
        "no source was given, so a sample was made in sparkify-sample: 5900 events and 120 songs\n"
    );
    assert_text!("run_on_the_sample", settled(&cli, &finished.stdout));
    let entries: BTreeSet<_> =
        std::fs::read_dir(cli.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries, ["sparkify-sample", "sparkify.duckdb"].map(Into::into).into());
    assert_eq!(dump(&cli.database())["staging_events"].len(), 5900);
}

#[test]
fn a_load_whose_report_cannot_be_written_says_that_it_was_committed() {
    for command in ["run", "etl"] {
        for format in ["table", "json", "csv"] {
            let (cli, data) = (cli(), data());
            let _ = cli.run(["create-tables"]).success();
            let mut process =
                cli.command([command, "--format", format, "--source", data.path().to_str().unwrap()]);
            let full = File::options().write(true).open("/dev/full").unwrap();
            let finished = Finished::from(process.stdout(full).output().unwrap()).with_code(1);
            let run = query(&cli.database(), "SELECT run_id FROM load_runs").concat().concat();
            let said = format!("the load was committed (run {run})");
            assert!(finished.stderr.contains(&said), "{command} {format}: {}", finished.stderr);

            data.write_events("2.json", &[Event::play(2, 0)]);
            let source = data.path();
            let arguments = [command, "--format", format, "--source", source.to_str().unwrap()];
            let finished = run_unread(&cli, &arguments);
            assert!(finished.stderr.contains("the load was committed (run "), "{}", finished.stderr);
        }
    }
}

#[test]
fn records_that_are_set_aside_are_warned_of_on_standard_error_in_every_format() {
    for format in ["table", "json", "csv"] {
        for command in ["run", "etl"] {
            let (cli, data) = (cli(), data());
            let _ = cli.run(["create-tables"]).success();
            data.write("log_data/bad.json", "{\"broken\n");
            let source = data.path().to_str().unwrap().to_owned();
            let arguments = [command, "--format", format, "--max-errors", "1", "--source", &source];
            let finished = cli.run(arguments).success();
            assert!(
                finished.stderr.contains("1 bad record set aside"),
                "{command} {format}: {}",
                finished.stderr
            );
            assert!(
                cli.run(arguments).success().stderr.is_empty(),
                "a run that sets nothing aside is silent"
            );
        }
    }
}

#[test]
fn the_rows_of_the_tables_are_printed_once() {
    let text = cli().run(["run"]).success().stdout;
    assert_eq!(text.lines().filter(|line| line.starts_with("staging_songs ")).count(), 1, "{text}");
}

#[test]
fn a_second_run_loads_nothing_and_says_so() {
    let cli = loaded();
    let before = dump(&cli.database());
    let finished = cli.run(["run"]).success();
    assert_eq!(finished.stderr, "");
    let first = settled(&cli, finished.stdout.lines().next().unwrap());
    assert_eq!(
        first,
        "nothing new: duckdb:sparkify.duckdb already has all 150 files of [directory]/sparkify-sample"
    );
    assert!(finished.stdout.contains("\ntop_songs: "), "the questions are answered all the same");
    assert!(!finished.stdout.contains("records "), "{}", finished.stdout);
    assert!(dump(&cli.database()) == before);
    assert_eq!(query(&cli.database(), "SELECT COUNT(*) FROM load_runs"), [["1"]]);
}

#[test]
fn a_second_run_does_not_touch_the_database_file() {
    let (cli, data) = (cli(), data());
    let _ = cli.load(&data.path());
    let before = std::fs::read(cli.database()).unwrap();
    for _ in 0..3 {
        let report = cli.load(&data.path());
        assert_eq!(report["files"], json!({"found": 2, "loaded": 0, "changed": 0, "skipped": 2}));
        assert!(std::fs::read(cli.database()).unwrap() == before);
    }
    let wal = cli.directory().join("sparkify.duckdb.wal");
    assert!(!wal.exists());
}

#[test]
fn the_json_report_is_one_object_with_every_documented_field() {
    let (cli, data) = (cli(), data());
    let finished = cli.run(["run", "--source", data.path().to_str().unwrap(), "--format", "json"]).success();
    assert_eq!(finished.stderr, "");
    assert_eq!(finished.stdout.matches('\n').count(), 1);
    let report = finished.json();
    let keys: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "run_id",
        "source",
        "warehouse",
        "match_rule",
        "files",
        "records",
        "tables",
        "matched_songplays",
        "match_rate",
        "checks",
        "attempts",
        "elapsed_ms",
        "steps_ms",
        "analytics",
    ];
    assert_eq!(keys, expected);
    assert_eq!(report["run_id"].as_str().unwrap().len(), 36);
    assert_eq!(report["source"], data.path().to_str().unwrap());
    assert_eq!(report["warehouse"], "duckdb:sparkify.duckdb");
    assert_eq!(report["match_rule"], "exact");
    assert_eq!(report["files"], json!({"found": 2, "loaded": 2, "changed": 0, "skipped": 0}));
    assert_eq!(
        report["records"],
        json!({"read": 2, "staged": 2, "rejected": 0, "duplicate": 0, "replaced": 0})
    );
    for table in TABLES {
        assert_eq!(report["tables"][table], 1, "{table}");
    }
    assert_eq!(report["matched_songplays"], 1);
    assert_eq!(report["match_rate"], 1.0);
    assert!(report["elapsed_ms"].is_u64());
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() > 20 && checks.iter().all(|check| check["violations"] == 0), "{checks:?}");
    assert_eq!(
        report["analytics"]["match_rate"],
        json!([{"plays": 1, "matched": 1, "match_rate_percent": 100.0}])
    );
}

#[test]
fn every_number_in_the_json_report_is_a_number() {
    fn texts_of_digits(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.parse::<f64>().is_ok() => found.push(format!("{path} = {text:?}")),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(i, item)| texts_of_digits(item, &format!("{path}[{i}]"), found));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(key, item)| texts_of_digits(item, &format!("{path}.{key}"), found));
            }
            _ => {}
        }
    }
    let (cli, data) = (cli(), data());
    let mut found = Vec::new();
    texts_of_digits(&cli.load(&data.path()), "report", &mut found);
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_csv_of_a_run_is_its_tables_and_their_rows() {
    let (cli, data) = (cli(), data());
    let finished = cli.run(["run", "--source", data.path().to_str().unwrap(), "--format", "csv"]).success();
    let mut lines = finished.stdout.lines();
    assert_eq!(lines.next(), Some("table,rows"));
    let rows: BTreeSet<_> = lines.collect();
    for table in TABLES {
        assert!(rows.contains(&*format!("{table},1")), "{rows:?}");
    }
    assert_eq!(finished.stderr, "");
}

#[test]
fn a_piped_run_shows_no_progress_bar_and_no_control_character() {
    for arguments in [&["run"][..], &["run", "-v"], &["run", "-vv"]] {
        let cli = cli();
        let finished = cli.run(arguments).success();
        for (name, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
            let control = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(control, None, "{arguments:?} {name}:\n{text}");
        }
        assert!(!finished.stderr.contains("[="), "{}", finished.stderr);
    }
}

#[test]
fn the_summary_tells_new_changed_duplicate_and_rejected_records_apart() {
    let (cli, data) = (cli(), data());
    let source = data.path();
    let source = source.to_str().unwrap();
    let _ = cli.load(&data.path());
    data.write_events("1.json", &[Event::play(1, 0).user(2)]);
    data.write_events("2.json", &[Event::play(2, 0), Event::play(2, 0)]);
    data.write("log_data/3.json", "no JSON\n");
    let finished = cli.run(["run", "--source", source, "--max-errors", "1"]).success();
    let summary: Vec<_> = finished.stdout.lines().take_while(|line| !line.is_empty()).collect();
    assert_text!("summary_of_a_later_run", summary.join("\n").replace(source, "[source]"));
}

#[test]
fn etl_prints_the_summary_and_the_rows_of_the_tables() {
    let (cli, data) = (cli(), data());
    let _ = cli.run(["create-tables"]).success();
    let source = data.path();
    let source = source.to_str().unwrap();
    let finished = cli.run(["etl", "--source", source]).success();
    assert_text!("etl", finished.stdout.replace(source, "[source]"));
    assert_eq!(finished.stderr, "");
    let report = cli.run(["etl", "--source", source, "--format", "json"]).success().json();
    assert_eq!(report["files"]["skipped"], 2);
    assert!(report.get("analytics").is_none());
}

#[test]
fn etl_without_a_database_makes_none_and_says_how() {
    let (cli, data) = (cli(), data());
    let finished = cli.run(["etl", "--source", data.path().to_str().unwrap()]).with_code(1);
    assert!(finished.stderr.contains("there is no database at sparkify.duckdb"), "{}", finished.stderr);
    assert!(finished.stderr.contains("hint: ") && finished.stderr.contains("sparkify-cli run"));
    assert!(!cli.database().exists(), "a mistyped name must not leave a file behind");
}

#[test]
fn etl_without_a_source_is_wrong_usage() {
    let cli = cli();
    let _ = cli.run(["create-tables"]).success();
    // A directory of the right name without data is no source either.
    std::fs::create_dir(cli.directory().join("data")).unwrap();
    let finished = cli.run(["etl"]).with_code(2);
    assert!(finished.stderr.contains("there is no source") && finished.stderr.contains("--source DIR"));
    assert_eq!(finished.stdout, "");
}

#[test]
fn the_directory_data_is_the_source_if_none_is_named() {
    let cli = cli();
    Sample { users: 3, songs: 5, days: 2, ..Sample::default() }.write(&cli.directory().join("data")).unwrap();
    let report = cli.run(["run", "--format", "json"]).success().json();
    assert_eq!(report["tables"]["songs"], 5);
    assert!(!cli.directory().join("sparkify-sample").exists());
}

#[test]
fn a_forgotten_source_does_not_mix_the_sample_with_other_data() {
    let (cli, data) = (cli(), data());
    let _ = cli.load(&data.path());
    let before = dump(&cli.database());
    let finished = cli.run(["run"]).with_code(2);
    assert!(finished.stderr.contains("holds other data than the sample"), "{}", finished.stderr);
    assert!(finished.stderr.contains("--source DIR") && finished.stderr.contains("--warehouse"));
    assert!(!cli.directory().join("sparkify-sample").exists());
    // Also when the sample is there already.
    let _ = cli.run(["run", "--warehouse", "duckdb:try.duckdb"]).success();
    let _ = cli.run(["run"]).with_code(2);
    assert!(dump(&cli.database()) == before);
}

#[test]
fn a_database_in_memory_is_loaded_and_explored_in_one_run() {
    let cli = cli();
    let finished = cli.run(["run", "--warehouse", "duckdb::memory:"]).success();
    assert!(finished.stdout.contains("into duckdb::memory:") && finished.stdout.contains("\ntop_songs: "));
    for command in ["etl", "check", "explore"] {
        let finished =
            cli.run([command, "--source", "sparkify-sample", "--warehouse", "duckdb::memory:"]).with_code(2);
        assert!(
            finished.stderr.contains("in memory") && finished.stderr.contains("hint: "),
            "{}",
            finished.stderr
        );
    }
    assert!(!cli.database().exists());
}

#[test]
fn a_failed_run_in_json_is_one_object_with_the_error() {
    let (cli, data) = (cli(), data());
    data.write("log_data/2.json", "no JSON\n");
    let source = data.path();
    let source = source.to_str().unwrap();
    let check = |finished: sparkify_testkit::Finished| {
        let finished = finished.with_code(3);
        let error = &finished.json()["error"];
        assert_eq!(error["exit_code"], 3);
        assert!(error["message"].as_str().unwrap().contains("1 bad record"), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("--max-errors 1"), "{error}");
        assert_eq!(error["records"][0]["path"], format!("{source}/log_data/2.json"));
        assert_eq!(error["records"][0]["line"], 1);
        assert!(finished.stderr.contains("error: "), "people read standard error");
    };
    check(cli.run(["run", "--source", source, "--format", "json"]));
    // However JSON was asked for.
    let mut command = cli.command(["run", "--source", source]);
    check(command.env("SPARKIFY_FORMAT", "json").output().unwrap().into());
    std::fs::write(cli.directory().join("sparkify.toml"), "format = \"json\"\n").unwrap();
    check(cli.run(["run", "--source", source]));
}
