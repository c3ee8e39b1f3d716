//! The command line as its users see it: texts, streams and exit codes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod config;
mod environment;
mod explore;
mod help;
mod logs;
mod run;
mod sql;
mod tables;
mod usage;

use std::process::Stdio;

use sparkify_testkit::{Cli, Finished};

/// A directory with the sample, loaded.
fn loaded() -> Cli {
    let cli = crate::cli();
    let _ = cli.run(["run", "--format", "json"]).success();
    cli
}

/// Runs it with a standard output whose reader has gone.
fn run_unread(cli: &Cli, arguments: &[&str]) -> Finished {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = cli.command(arguments);
    Finished::from(command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap())
}

/// The text with what differs from run to run replaced.
fn settled(cli: &Cli, text: &str) -> String {
    let directory = cli.directory().canonicalize().unwrap();
    text.replace(directory.to_str().unwrap(), "[directory]")
}

/// Compares with the reviewed text of that name.
macro_rules! assert_text {
    ($name:literal, $text:expr) => {
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            filters => vec![
                (r"in \d+\.\d s\b", "in [time] s"),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[run]"),
            ],
        }, { insta::assert_snapshot!($name, $text) })
    };
}
use assert_text;
