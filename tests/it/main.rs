//! The tests of the whole product, from the outside: through the command line as a process.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aws;
mod bad_input;
mod command_line;
mod conformance;
mod cuts;
mod database_file;
mod generator;
mod interposed;
mod killed;
mod layers;
mod local_loads;
mod model;
mod odd_input;
mod orders;
mod postgres;
mod real_data;
mod redshift;
mod redshift_sql;
mod s3;
mod unanswered;

use sparkify_testkit::Cli;

/// The command line in a new empty directory.
fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"))
}
