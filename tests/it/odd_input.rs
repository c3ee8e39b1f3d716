//! Unusual data that is valid all the same, and must load like any other.

mod layouts;
mod values;

use sparkify_testkit::{Cli, DataSet, Event, Song, dump, query};

use crate::cli;

/// A new database with that data.
fn load(data: &DataSet) -> (Cli, serde_json::Value) {
    let cli = cli();
    let report = cli.load(&data.path());
    (cli, report)
}

/// The rows of a query, their values separated by bars.
fn rows(cli: &Cli, sql: &str) -> Vec<String> {
    query(&cli.database(), sql).into_iter().map(|row| row.join("|")).collect()
}
