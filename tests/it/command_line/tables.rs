//! `create-tables`.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use sparkify_testkit::{Cli, Finished, dump, query};

use super::{assert_text, loaded};
use crate::cli;

fn rows_of_all_tables(cli: &Cli) -> usize {
    dump(&cli.database()).values().map(Vec::len).sum()
}

/// Runs it on a terminal, with that answer to its question.
fn on_a_terminal(cli: &Cli, arguments: &str, answer: &str) -> Finished {
    let program = cli.command([""; 0]).get_program().to_str().unwrap().to_owned();
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{program} {arguments}"), "/dev/null"]).current_dir(cli.directory());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{answer}").unwrap();
    // Left open until the end: its end would be the end of the terminal.
    let finished = child.wait_with_output().unwrap().into();
    drop(stdin);
    finished
}

#[test]
fn create_tables_creates_every_table_and_lists_them() {
    let cli = cli();
    let finished = cli.run(["create-tables"]).success();
    assert_text!("create_tables", finished.stdout);
    assert_eq!(finished.stderr, "");
    for line in finished.stdout.lines().skip(2) {
        let table = line.split(' ').next().unwrap();
        if table == "sparkify_tables" {
            continue;
        }
        assert_eq!(query(&cli.database(), &format!("SELECT COUNT(*) FROM {table}")), [["0"]]);
    }
}

#[test]
fn create_tables_again_changes_nothing() {
    let cli = loaded();
    let before = (dump(&cli.database()), std::fs::read(cli.database()).unwrap());
    let _ = cli.run(["create-tables"]).success();
    assert!((dump(&cli.database()), std::fs::read(cli.database()).unwrap()) == before);
}

#[test]
fn drop_needs_a_yes() {
    let cli = loaded();
    let before = rows_of_all_tables(&cli);
    let finished = cli.run(["create-tables", "--drop"]).with_code(2);
    assert!(
        finished.stderr.contains("duckdb:sparkify.duckdb"),
        "it says what would be lost: {}",
        finished.stderr
    );
    assert!(finished.stderr.contains("hint: add --yes"), "{}", finished.stderr);
    assert_eq!(rows_of_all_tables(&cli), before);
}

#[test]
fn drop_with_yes_empties_every_table() {
    let cli = loaded();
    let _ = cli.run(["create-tables", "--drop", "--yes"]).success();
    assert_eq!(rows_of_all_tables(&cli), 0);
    assert_eq!(query(&cli.database(), "SELECT COUNT(*) FROM loaded_files"), [["0"]]);
    let report = cli.run(["run", "--format", "json"]).success().json();
    assert_eq!(report["files"]["loaded"], 150, "what was dropped is loaded again");
}

#[test]
fn on_a_terminal_drop_asks_and_takes_anything_but_yes_for_no() {
    let cli = loaded();
    let before = rows_of_all_tables(&cli);
    for answer in ["n", "", "yess"] {
        let finished = on_a_terminal(&cli, "create-tables --drop", answer).with_code(1);
        for part in ["tables of duckdb:sparkify.duckdb", "songplays (", " rows)", "Delete them? [y/N]"] {
            assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
        }
        assert!(finished.stdout.contains("nothing was deleted"), "{}", finished.stdout);
        assert_eq!(rows_of_all_tables(&cli), before, "{answer:?}");
    }
    let _ = on_a_terminal(&cli, "create-tables --drop", "y").success();
    assert_eq!(rows_of_all_tables(&cli), 0);
}
