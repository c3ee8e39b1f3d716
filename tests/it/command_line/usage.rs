//! Wrong usage and the exit codes.

use sparkify_testkit::{DataSet, Event};

use super::loaded;
use crate::cli;

#[test]
fn wrong_usage_ends_with_2_names_what_is_wrong_and_changes_nothing() {
    let cli = cli();
    for (arguments, expected) in [
        (&["run", "--frobnicate"][..], "'--frobnicate'"),
        (&["runn"], "'run'"),
        (&["run", "surplus"], "'surplus'"),
        (&["run", "-v", "-q"], "--quiet"),
        (&["completions", "tcsh"], "'tcsh'"),
        (&["completions"], "<SHELL>"),
        (&["explore", "top_songs", "--query", "SELECT 1"], "--query"),
        (&["explore", "top_songs", "--list"], "--list"),
        (&["sql", "users", "--list"], "--list"),
        (&["run", "--source"], "--source"),
        (&["run", "--max-errors", "many"], "\"many\" is no value for --max-errors"),
        (&["run", "--max-errors=-1"], "\"-1\" is no value for --max-errors"),
        (&["run", "--wait", "5"], "60s or 5m"),
        (&["run", "--memory-limit", "5"], "400MB or 2GB"),
        (&["run", "--threads", "1.5"], "--threads"),
        (&["run", "--match-rule", "fuzzy"], "exact or title-artist"),
        (&["run", "--format", "xml"], "table, json or csv"),
        (&["run", "--log-format", "xml"], "text or json"),
        (&["run", "--warehouse", "x.duckdb"], "write duckdb:x.duckdb"),
        (&["run", "--warehouse", "duckdb:"], "name a file"),
        (&["run", "--warehouse", "mysql://host/db"], "duckdb:FILE"),
        (&["run", "--warehouse", "redshift://host/db"], "needs a place in S3"),
        (&["run", "--warehouse", "postgres://host/db?sslmode=maybe"], "sslmode"),
        (&["run", "--config", "none.toml"], "none.toml"),
    ] {
        let finished = cli.run(arguments).with_code(2);
        assert!(finished.stderr.contains(expected), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.starts_with("error: "), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert_eq!(std::fs::read_dir(cli.directory()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_usage_text_names_the_program_and_not_its_file() {
    let finished = cli().run(["run", "--frobnicate"]).with_code(2);
    assert!(finished.stderr.contains("Usage: sparkify-cli run"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("under-test"), "{}", finished.stderr);
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let documented: Vec<(i32, String)> = cli()
        .run(["--help"])
        .success()
        .stdout
        .split_once("Exit codes:\n")
        .unwrap()
        .1
        .lines()
        .map(|line| line.trim().split_once(' ').unwrap())
        .map(|(code, meaning)| (code.parse().unwrap(), meaning.trim().to_owned()))
        .collect();
    let meaning = |code: i32| -> &str {
        &documented.iter().find(|(documented, _)| *documented == code).unwrap_or_else(|| panic!("{code}")).1
    };
    let cli = loaded();
    assert_eq!(meaning(cli.run(["check"]).code), "done");
    assert_eq!(meaning(cli.run(["check", "--warehouse", "duckdb:none.duckdb"]).code), "failure");
    assert_eq!(meaning(cli.run(["check", "--frobnicate"]).code), "wrong usage");
    let data = DataSet::new();
    data.write_events("1.json", &[Event::play(1, 0).without("ts")]);
    let code = cli.run(["etl", "--source", data.path().to_str().unwrap()]).code;
    assert!(meaning(code).contains("bad data"), "{code}");
    assert!(meaning(130).contains("Ctrl-C"));
    // `aws/leftovers.rs` has a teardown that ends so.
    assert!(meaning(4).contains("left after teardown"));
    assert_eq!(documented.len(), 6, "{documented:?}");
}

#[test]
fn a_source_that_is_not_there_is_named_with_what_is_expected() {
    let cli = cli();
    let finished = cli.run(["run", "--source", "nowhere"]).with_code(1);
    assert!(
        finished.stderr.contains("nowhere") && finished.stderr.contains("log_data"),
        "{}",
        finished.stderr
    );
}
