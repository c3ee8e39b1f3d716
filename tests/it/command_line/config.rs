//! `config show`, and where settings come from.

use std::{io::Write, process::Stdio};

use serde_json::Value;
use sparkify_testkit::{Cli, Finished};

use super::assert_text;
use crate::cli;

fn setting(shown: &Value, name: &str) -> (String, String) {
    let row = shown.as_array().unwrap().iter().find(|row| row["setting"] == name).unwrap();
    let text = |key: &str| row[key].as_str().unwrap_or("null").to_owned();
    (text("value"), text("origin"))
}

#[test]
fn config_show_is_as_reviewed() {
    let cli = cli();
    std::fs::write(cli.directory().join("sparkify.toml"), "max_errors = 3\nsource = \"logs\"\n").unwrap();
    // Named, so that the width of the columns does not depend on where temporary directories are.
    let mut command =
        cli.command(["config", "show", "--match-rule", "title-artist", "--config", "sparkify.toml"]);
    let finished = Finished::from(command.env("SPARKIFY_WAIT", "30s").output().unwrap()).success();
    assert_text!("config_show", finished.stdout);
    assert_eq!(finished.stderr, "");
}

#[test]
fn each_setting_has_the_value_of_its_strongest_origin() {
    let cli = cli();
    let file = "max_errors = 1\nwait = \"1s\"\nthreads = 1\nlog_format = \"text\"\n";
    std::fs::write(cli.directory().join("sparkify.toml"), file).unwrap();
    // The file is found from a directory below.
    let below = cli.directory().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let mut command = cli.command(["config", "show", "--format", "json", "--max-errors", "3"]);
    command.current_dir(&below).env("SPARKIFY_MAX_ERRORS", "2").env("SPARKIFY_WAIT", "2s");
    let shown = Finished::from(command.output().unwrap()).success().json();
    let path = cli.directory().canonicalize().unwrap().join("sparkify.toml");
    assert_eq!(setting(&shown, "max_errors"), ("3".to_owned(), "flag".to_owned()));
    assert_eq!(setting(&shown, "wait"), ("2s".to_owned(), "environment SPARKIFY_WAIT".to_owned()));
    assert_eq!(setting(&shown, "threads"), ("1".to_owned(), format!("file {}", path.display())));
    assert_eq!(setting(&shown, "memory_limit"), ("400MB".to_owned(), "default".to_owned()));
    assert_eq!(setting(&shown, "source"), ("null".to_owned(), "default".to_owned()));
}

#[test]
fn a_named_file_is_read_instead_and_its_paths_are_beside_it() {
    let cli = cli();
    std::fs::create_dir(cli.directory().join("etc")).unwrap();
    std::fs::write(cli.directory().join("etc/other.toml"), "warehouse = \"duckdb:x.duckdb\"\n").unwrap();
    std::fs::write(cli.directory().join("sparkify.toml"), "max_errors = 1\n").unwrap();
    let shown =
        cli.run(["config", "show", "--config", "etc/other.toml", "--format", "json"]).success().json();
    assert_eq!(
        setting(&shown, "warehouse"),
        ("duckdb:etc/x.duckdb".to_owned(), "file etc/other.toml".to_owned())
    );
    assert_eq!(setting(&shown, "max_errors").1, "default");
    let finished = cli.run(["config", "show", "--config", "none.toml"]).with_code(2);
    assert_eq!(finished.stderr, "error: there is no configuration file none.toml\n");
}

#[test]
fn a_configuration_can_be_read_from_a_pipe_since_it_is_read_once() {
    let cli = cli();
    let run = |arguments: &[&str]| {
        let mut child = cli
            .command(arguments.iter().copied().chain(["--config", "/dev/stdin"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let text = b"max_errors = 7\nformat = \"json\"\n[generate]\nout = \"made\"\nusers = 3\n";
        child.stdin.take().unwrap().write_all(text).unwrap();
        Finished::from(child.wait_with_output().unwrap()).success().json()
    };
    let shown = run(&["config", "show"]);
    assert_eq!(setting(&shown, "max_errors"), ("7".to_owned(), "file /dev/stdin".to_owned()));
    assert_eq!(run(&["generate", "--songs", "5"])["users"], 3);
}

#[test]
fn a_faulty_file_is_wrong_usage_and_is_named() {
    let cli = cli();
    let path = cli.directory().join("sparkify.toml");
    for (text, reason) in [
        ("max_error = 1", "there is no setting \"max_error\""),
        ("max_errors = [1]", "max_errors must be a text, a whole number, or true or false"),
        ("max_errors = \"few\"", "\"few\" is no value for max_errors in "),
        ("\n\nmax_errors = ", "line 3"),
    ] {
        std::fs::write(&path, text).unwrap();
        for command in [&["config", "show"][..], &["run"], &["explore"]] {
            let finished = cli.run(command).with_code(2);
            assert!(finished.stderr.contains(reason), "{text}: {}", finished.stderr);
            assert!(finished.stderr.contains("sparkify.toml"), "{text}: {}", finished.stderr);
        }
    }
}

/// Every command, with what it needs.
const COMMANDS: [&[&str]; 11] = [
    &["run"],
    &["create-tables"],
    &["create-tables", "--drop", "--yes"],
    &["etl", "--source", "."],
    &["check"],
    &["explore"],
    &["explore", "--query", "SELECT 1"],
    &["sql"],
    &["config", "show"],
    &["completions", "bash"],
    &["config", "show", "--format", "json"],
];

fn assert_secret(finished: &Finished, what: &str) {
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("geheim"), "{what}: {text}");
    }
}

fn assert_all_secret(run: impl Fn(&Cli, &[&str]) -> Finished) {
    let cli = cli();
    for command in COMMANDS {
        let finished = run(&cli, command);
        assert_secret(&finished, &format!("{command:?}"));
        if command[0] == "config" {
            let finished = finished.success();
            assert!(finished.stdout.contains("redshift://me@host:5439/db"), "{}", finished.stdout);
        }
    }
}

#[test]
fn no_command_shows_a_password_of_a_flag_even_in_its_logs() {
    for form in ["text", "json"] {
        assert_all_secret(|cli, command| {
            let more = ["--warehouse", "redshift://me:geheim@host/db", "-vv", "--log-format", form];
            cli.run([command, &more].concat())
        });
    }
}

#[test]
fn no_command_shows_a_password_of_the_environment_or_the_file() {
    assert_all_secret(|cli, command| {
        let mut command = cli.command(command);
        command.arg("-vv").env("SPARKIFY_WAREHOUSE", "redshift://me:geheim@host/db").output().unwrap().into()
    });
    assert_all_secret(|cli, command| {
        let text = "warehouse = \"redshift://me:geheim@host/db\"\n";
        std::fs::write(cli.directory().join("sparkify.toml"), text).unwrap();
        cli.run([command, &["-vv"]].concat())
    });
}

#[test]
fn no_message_shows_a_password_however_the_name_is_misspelt() {
    let cli = cli();
    for name in [
        "redshift:me:geheim@host/db",
        "me:geheim@host",
        "postgres://host/db?user=me&password=geheim&sslmode=maybe",
        "oracle://me:geheim@host",
    ] {
        let finished = cli.run(["config", "show", "--warehouse", name]).with_code(2);
        assert_secret(&finished, name);
    }
    for name in [
        "redshift://me:ge/geheim@host/db",
        "redshift://me:@geheim@host/db",
        "redshift://me:ge?geheim@host/db",
        "redshift://me:ge?geheim&x=1@host/db",
    ] {
        assert_secret(&cli.run(["config", "show", "--warehouse", name]), name);
    }
    for name in ["postgres://host/db?user=me&password=geheim", "postgres://me:geheim@host/db"] {
        let finished = cli.run(["config", "show", "--warehouse", name]).success();
        assert!(finished.stdout.contains("postgres://me@host:5432/db"), "{}", finished.stdout);
        assert_secret(&finished, name);
    }
    std::fs::write(cli.directory().join("sparkify.toml"), "warehouse = redshift://me:geheim@host/db\n")
        .unwrap();
    assert_secret(&cli.run(["config", "show"]).with_code(2), "unquoted");
}
