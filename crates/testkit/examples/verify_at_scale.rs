//! Generates a large data set, loads it, and compares every row with the answers:
//! `scripts/verify-at-scale.sh [--events MILLIONS] [--songs N] [--warehouse URL] [--compress FORM]` builds the command line and runs
//! this (with 10 million events, 100,000 songs and DuckDB, unless it is said otherwise).
//!
//! Needs about 470 MB of disk for a million events (compressed by zst a tenth of it), and a third as much for
//! the database. Everything is removed in the end.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::{path::Path, time::Instant};

use sparkify_testkit::{Cli, Generated};

fn main() {
    let program = argument("--program").expect("--program, the command line to test");
    let program = Path::new(&program).canonicalize().expect("the command line to test");
    let parent = argument("--directory").unwrap_or_else(|| ".".to_owned());
    let events =
        argument("--events").map_or(10.0, |millions| millions.parse::<f64>().expect("a number")) * 1e6;
    let songs = argument("--songs").unwrap_or_else(|| "100000".to_owned());
    let compress = argument("--compress").unwrap_or_else(|| "none".to_owned());
    let warehouse = argument("--warehouse").unwrap_or_else(|| "duckdb:scale.duckdb".to_owned());
    let cli = Cli::new_in(program, &Path::new(&parent).canonicalize().expect("a directory"));
    let events = (events as u64).to_string();
    let begin = Instant::now();
    let size = ["--events", &events, "--songs", &songs, "--compress", &compress];
    let data = Generated::make(&cli, &[&size[..], &["--traps", "--corrupt"]].concat());
    let made = begin.elapsed();
    let records = &data.answers()["records"];
    println!("generated in {:.1} s: records {records}", made.as_secs_f64());
    let loaded = data.load_and_verify(&cli, &warehouse);
    println!("loaded in {:.1} s", loaded.as_secs_f64());
    let all = begin.elapsed();
    println!(
        "compared in {:.1} s: each row of each table, each answer, each record set aside",
        (all - made - loaded).as_secs_f64()
    );
}

fn argument(name: &str) -> Option<String> {
    let arguments: Vec<_> = std::env::args().collect();
    let position = arguments.iter().rposition(|argument| argument == name)?;
    arguments.get(position + 1).cloned()
}
