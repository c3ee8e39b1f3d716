//! The help texts, the version and the completion scripts.

use std::process::{Command, Stdio};

use super::assert_text;
use crate::cli;

const COMMANDS: [&str; 15] = [
    "run",
    "create-tables",
    "etl",
    "check",
    "explore",
    "generate",
    "sql",
    "provision",
    "status",
    "pause",
    "resume",
    "doctor",
    "teardown",
    "config show",
    "completions",
];

/// The help, for a terminal of 100 columns.
fn help(command: &str) -> String {
    let cli = cli();
    let arguments = command.split_whitespace().chain(["--help"]);
    let output = cli.command(arguments).env("COLUMNS", "100").output().unwrap();
    sparkify_testkit::Finished::from(output).success().stdout
}

/// The help before the settings, which are the same for every command.
fn own_help(command: &str) -> String {
    let text = help(command);
    let (own, settings) = text.split_once("\nSettings:\n").expect("a list of settings");
    for setting in ["--source", "--warehouse", "--format", "--wait", "--quiet"] {
        assert!(settings.contains(setting), "{command}: {settings}");
    }
    own.to_owned()
}

#[test]
fn the_help_of_the_program_is_as_reviewed() {
    assert_text!("help", help(""));
}

#[test]
fn the_help_of_every_command_is_as_reviewed() {
    let texts: Vec<_> =
        COMMANDS.iter().map(|command| format!("=== {command}\n{}", own_help(command))).collect();
    assert_text!("help_of_the_commands", texts.join("\n"));
}

#[test]
fn the_help_names_every_command() {
    let text = help("");
    for command in COMMANDS {
        let name = command.split(' ').next().unwrap();
        assert!(text.contains(&format!("\n  {name} ")), "{name}");
    }
}

#[test]
fn without_a_command_the_help_is_shown_as_wrong_usage() {
    let cli = cli();
    let finished = cli.run([""; 0]).with_code(2);
    assert_eq!(finished.stdout, "");
    assert!(finished.stderr.contains("Usage: sparkify-cli"), "{}", finished.stderr);
}

#[test]
fn the_version_is_that_of_the_package() {
    let finished = cli().run(["--version"]).success();
    assert_eq!(finished.stdout, format!("sparkify-cli {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completion_scripts_are_made_without_a_valid_configuration() {
    let cli = cli();
    std::fs::write(cli.directory().join("sparkify.toml"), "this is no TOML").unwrap();
    for (shell, mark) in [
        ("bash", "complete -F _sparkify__cli"),
        ("zsh", "#compdef sparkify-cli"),
        ("fish", "complete -c sparkify-cli"),
    ] {
        let script = cli.run(["completions", shell]).success().stdout;
        assert!(script.contains(mark), "{shell}:\n{script}");
        assert!(script.contains("create-tables") && script.contains("match-rule"), "{shell}:\n{script}");
    }
}

#[test]
fn bash_accepts_its_completion_script() {
    let cli = cli();
    let script = cli.directory().join("script");
    std::fs::write(&script, cli.run(["completions", "bash"]).success().stdout).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&script).stdin(Stdio::null()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    let completed = Command::new("bash")
        .args(["--norc", "-c"])
        .arg(
            "source ./script; COMP_WORDS=(sparkify-cli cre); COMP_CWORD=1; \
             _sparkify__cli sparkify-cli cre sparkify-cli; echo \"${COMPREPLY[@]}\"",
        )
        .current_dir(cli.directory())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap().trim(), "create-tables");
}
