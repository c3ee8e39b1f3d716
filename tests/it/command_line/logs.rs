//! Logs on standard error.

use serde_json::Value;
use sparkify_testkit::{Cli, DataSet, Event, Finished};

use crate::cli;

/// Standard error as log records.
fn records(finished: &Finished) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    finished.stderr.lines().map(parse).collect()
}

fn json_logs(cli: &Cli, arguments: &[&str]) -> Finished {
    cli.run([arguments, &["--log-format", "json"]].concat())
}

#[test]
fn every_line_of_the_json_log_is_a_record() {
    for verbosity in [&[][..], &["-v"], &["-vv"]] {
        let cli = cli();
        let finished = json_logs(&cli, &[&["run"], verbosity].concat()).success();
        let records = records(&finished);
        // Without a source the sample is made, which is said in any case.
        assert!(!records.is_empty());
        for record in records {
            assert!(record["timestamp"].is_string() && record["level"].is_string(), "{record}");
            assert!(record["fields"]["message"].is_string() || record["fields"].is_object(), "{record}");
        }
        assert!(finished.stdout.starts_with("loaded "), "the results are no log");
    }
}

#[test]
fn an_error_is_a_record_of_the_json_log() {
    let cli = cli();
    let data = DataSet::new();
    data.write_events("1.json", &[Event::play(1, 0).without("ts")]);
    let source = data.path();
    let finished = json_logs(&cli, &["run", "--source", source.to_str().unwrap()]).with_code(3);
    let error = records(&finished).pop().unwrap();
    assert_eq!(error["level"], "ERROR");
    assert_eq!(error["fields"]["exit_code"], 3);
    assert_eq!(error["fields"]["records"][0]["field"], "ts");
    // One of the settings, too.
    let error = records(&json_logs(&cli, &["run", "--threads", "many"]).with_code(2)).pop().unwrap();
    assert!(error["fields"]["message"].as_str().unwrap().contains("--threads"), "{error}");
}

#[test]
fn verbose_tells_what_is_done_and_twice_verbose_each_statement() {
    let loads = |arguments: &[&str]| cli().run(arguments).success().stderr;
    let (plain, verbose, very) = (loads(&["run"]), loads(&["run", "-v"]), loads(&["run", "-vv"]));
    assert!(!plain.contains("INFO") && !plain.contains("DEBUG"), "{plain}");
    assert!(
        verbose.contains("INFO loading source=/")
            && verbose.contains("/sparkify-sample warehouse=")
            && verbose.contains("INFO loaded"),
        "{verbose}"
    );
    assert!(!verbose.contains("DEBUG") && !verbose.contains("INSERT INTO"), "{verbose}");
    assert!(very.contains("DEBUG") && very.contains("INSERT INTO songplays"), "{very}");
}

#[test]
fn quiet_is_silent_unless_something_fails() {
    let cli = cli();
    let finished = cli.run(["run", "-q"]).success();
    assert_eq!(finished.stderr, "");
    assert!(finished.stdout.starts_with("loaded "), "results are printed");
    let finished = cli.run(["explore", "-q", "--warehouse", "duckdb:none.duckdb"]).with_code(1);
    assert!(
        finished.stderr.starts_with("error: there is no database at none.duckdb\n"),
        "{}",
        finished.stderr
    );
}

#[test]
fn rust_log_beats_the_flags() {
    let cli = cli();
    let mut command = cli.command(["run", "-q"]);
    let finished = Finished::from(command.env("RUST_LOG", "debug").output().unwrap()).success();
    assert!(finished.stderr.contains("DEBUG"), "{}", finished.stderr);
}
