//! `explore`.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use sparkify_testkit::dump;

use super::{assert_text, loaded, run_unread};
use crate::cli;

/// Waits until the process handles Ctrl-C itself.
pub(crate) fn await_signal_handler(child: &Child) {
    const INTERRUPT: u64 = 1 << 1;
    let path = format!("/proc/{}/status", child.id());
    let begin = Instant::now();
    loop {
        let status = std::fs::read_to_string(&path).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(caught, 16).unwrap() & INTERRUPT != 0 {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "no signal handler");
        std::thread::yield_now();
    }
}

#[test]
fn explore_answers_every_question_of_the_catalogue() {
    let cli = loaded();
    let text = cli.run(["explore"]).success().stdout;
    let list = cli.run(["explore", "--list", "--format", "json"]).success().json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.len() >= 15, "{names:?}");
    let titles: Vec<_> =
        text.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    assert_eq!(titles, names);
    let answers = cli.run(["explore", "--format", "json"]).success().json();
    assert_eq!(answers.as_object().unwrap().keys().collect::<Vec<_>>(), names);
}

#[test]
fn the_list_of_questions_is_as_reviewed_and_needs_no_database() {
    let cli = cli();
    assert_text!("explore_list", cli.run(["explore", "--list"]).success().stdout);
    assert!(!cli.database().exists());
}

#[test]
fn one_question_is_answered_in_every_format() {
    let cli = loaded();
    let answer = |format: &str| cli.run(["explore", "match_rate", "--format", format]).success();
    assert_text!("explore_match_rate", answer("table").stdout);
    assert_eq!(answer("csv").stdout, "plays,matched,match_rate_percent\n4994,979,19.6\n");
    assert_eq!(answer("json").json(), json!([{"plays": 4994, "matched": 979, "match_rate_percent": 19.6}]));
}

#[test]
fn named_questions_are_answered_in_the_order_they_are_named() {
    let cli = loaded();
    let text = cli.run(["explore", "match_rate", "row_counts", "--format", "csv"]).success().stdout;
    let titles: Vec<_> = text.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(
        titles,
        ["# match_rate: how many plays match a song of the catalogue", "# row_counts: rows in each table"]
    );
}

#[test]
fn an_unknown_question_is_wrong_usage_with_a_suggestion_and_needs_no_database() {
    let finished = cli().run(["explore", "top_song"]).with_code(2);
    assert!(finished.stderr.contains("\"top_song\"") && finished.stderr.contains("match_rate"));
    assert!(finished.stderr.ends_with("hint: did you mean top_songs?\n"), "{}", finished.stderr);
}

#[test]
fn a_query_of_ones_own_is_answered() {
    let cli = loaded();
    let sql = "SELECT level, COUNT(*) AS users FROM users GROUP BY level ORDER BY level";
    let finished = cli.run(["explore", "--query", sql]).success();
    // Counted from the rows: the level is the last column.
    let users = &dump(&cli.database())["users"];
    let paid = users.iter().filter(|row| row.ends_with("\u{1f}paid")).count();
    let free = users.len() - paid;
    assert!(paid > 9 && free > 9, "both are two digits wide: {paid}, {free}");
    assert_eq!(finished.stdout, format!("level  users\n-----  -----\nfree      {free}\npaid      {paid}\n"));
    assert_eq!(
        cli.run(["explore", "--query", sql, "--format", "csv"]).success().stdout,
        format!("level,users\nfree,{free}\npaid,{paid}\n")
    );
    assert_eq!(
        cli.run(["explore", "--query", sql, "--format", "json"]).success().json(),
        json!([{"level": "free", "users": free}, {"level": "paid", "users": paid}])
    );
}

#[test]
fn each_format_shows_a_value_as_the_engine_has_it() {
    let cli = loaded();
    let sql = "SELECT 'infinity'::TIMESTAMP AS ever, factorial(33) * 10 AS large, ['a', NULL] AS list, \
               {'n': 1, 'ok': TRUE} AS pair, 'NaN'::DOUBLE AS odd, now() IS NOT NULL AS now";
    let answer = |format| cli.run(["explore", "--query", sql, "--format", format]).success().stdout;
    assert_eq!(
        answer("csv"),
        "ever,large,list,pair,odd,now\n\
         infinity,86833176188118864955181944012800000000,\"[a, NULL]\",\"{'n': 1, 'ok': true}\",NaN,true\n"
    );
    assert_eq!(
        answer("json"),
        "[\n{\"ever\":\"infinity\",\"large\":86833176188118864955181944012800000000,\"list\":[\"a\",null],\
         \"pair\":{\"n\":1,\"ok\":true},\"odd\":\"NaN\",\"now\":true}\n]\n"
    );
    assert!(answer("table").contains("86833176188118864955181944012800000000  [a, NULL]"));
    let finished = cli.run(["explore", "--query", "SELECT INTERVAL 3000000 HOURS AS span"]).with_code(1);
    assert!(
        finished.stderr.contains("\"span\"") && finished.stderr.contains("hint: ask for the column as text")
    );
}

#[test]
fn csv_for_spreadsheets_begins_with_a_byte_order_mark_and_has_no_formulas() {
    let cli = loaded();
    let sql = "SELECT '=1+1' AS formula, -1 AS number";
    let answer = cli.run(["explore", "--query", sql, "--csv-safe"]).success().stdout;
    assert_eq!(answer, "\u{feff}formula,number\n'=1+1,-1\n");
    let answers =
        cli.run(["explore", "match_rate", "row_counts", "--csv-safe", "--format", "csv"]).success().stdout;
    assert!(
        answers.starts_with("\u{feff}# match_rate: ") && answers.matches('\u{feff}').count() == 1,
        "{answers}"
    );
    let finished = cli.run(["explore", "--csv-safe", "--format", "json"]).with_code(2);
    assert!(finished.stderr.contains("--csv-safe"), "{}", finished.stderr);
}

#[test]
fn a_query_without_rows_is_answered_with_its_columns() {
    let cli = loaded();
    let query = |format| {
        let sql = "SELECT user_id FROM users WHERE user_id < 0";
        cli.run(["explore", "--query", sql, "--format", format]).success().stdout
    };
    assert_eq!(query("table"), "user_id\n-------\n");
    assert_eq!(query("csv"), "user_id\n");
    assert_eq!(query("json"), "[]\n");
}

#[test]
fn a_statement_that_writes_is_refused_and_writes_nothing() {
    let cli = loaded();
    let before = std::fs::read(cli.database()).unwrap();
    let entries = || std::fs::read_dir(cli.directory()).unwrap().count();
    let entries_before = entries();
    for sql in [
        "INSERT INTO users SELECT * FROM users",
        "DROP TABLE users",
        "DELETE FROM users",
        "UPDATE users SET level = 'paid'",
        "COPY users TO 'users.csv'",
        "ATTACH 'other.duckdb'",
        "EXPORT DATABASE 'out'",
        "CREATE TABLE t AS SELECT 1",
        "SELECT 1; DROP TABLE users",
        "WITH u AS (SELECT 1) INSERT INTO users SELECT * FROM users",
        "EXPLAIN ANALYZE INSERT INTO users SELECT * FROM users",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CALL force_checkpoint()",
        "INSTALL httpfs",
        "",
    ] {
        let finished = cli.run(["explore", "--query", sql]).with_code(2);
        assert_eq!(finished.stdout, "", "{sql}");
        assert!(
            finished.stderr.starts_with("error: only one query is possible here"),
            "{sql}: {}",
            finished.stderr
        );
        assert!(std::fs::read(cli.database()).unwrap() == before, "{sql}");
        assert_eq!(entries(), entries_before, "{sql}");
    }
}

#[test]
fn a_query_cannot_read_files() {
    let cli = loaded();
    for sql in ["SELECT * FROM read_csv('/etc/passwd')", "FROM '/etc/passwd'", "SELECT * FROM glob('/*')"] {
        let finished = cli.run(["explore", "--query", sql]).with_code(1);
        assert_eq!(finished.stdout, "", "{sql}");
        assert!(!finished.stderr.contains("root:"), "{sql}");
    }
}

#[test]
fn a_query_that_the_engine_refuses_fails_with_its_reason() {
    let cli = loaded();
    let finished = cli.run(["explore", "--query", "SELECT nickname FROM users"]).with_code(1);
    assert!(finished.stderr.contains("nickname"), "{}", finished.stderr);
    let finished =
        cli.run(["explore", "--query", "SELECT nickname FROM users", "--format", "json"]).with_code(1);
    assert!(finished.json()["error"]["message"].as_str().unwrap().contains("nickname"));
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    for command in ["explore", "check"] {
        let cli = cli();
        let finished = cli.run([command]).with_code(1);
        assert!(finished.stderr.contains("there is no database at sparkify.duckdb"), "{}", finished.stderr);
        assert!(finished.stderr.contains("hint: create and load it first with `sparkify-cli run`"));
        assert!(!cli.database().exists());
    }
}

#[test]
fn a_closed_pipe_ends_every_command_quietly() {
    let cli = loaded();
    for arguments in [
        &["explore"][..],
        &["explore", "--list"],
        &["explore", "--format", "json"],
        &["explore", "--format", "csv"],
        &["explore", "--query", "SELECT * FROM staging_events"],
        &["run"],
        &["run", "--format", "json"],
        &["check"],
        &["create-tables"],
        &["config", "show"],
        &["sql"],
        &["sql", "--list"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let finished = run_unread(&cli, arguments);
        assert_eq!((finished.code, finished.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_closed_standard_error_is_not_taken_for_a_reader_that_has_seen_enough() {
    let cli = cli();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // It is to be said there that a sample was made.
    let finished = cli.command(["run"]).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    assert_eq!(finished.wait_with_output().unwrap().status.code(), Some(1));
}

#[test]
fn an_error_with_a_closed_pipe_has_its_exit_code_all_the_same() {
    let finished = run_unread(&cli(), &["explore", "--format", "json"]);
    assert_eq!(finished.code, 1);
    assert!(finished.stderr.contains("there is no database"), "{}", finished.stderr);
}

#[test]
fn a_pipe_that_is_closed_after_the_first_line_ends_explore_quietly() {
    let cli = loaded();
    // More than a pipe holds, so that it is still writing.
    let mut command = cli.command(["explore", "--query", "SELECT * FROM staging_events"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("artist"), "{line}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_long_query_is_stopped_by_ctrl_c() {
    let cli = loaded();
    let sql = "SELECT COUNT(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range";
    let mut command = cli.command(["explore", "--query", sql]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    await_signal_handler(&child);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert!(String::from_utf8(output.stderr).unwrap().ends_with("stopped on request\n"));
}
