//! An S3 in memory to try things out with, until standard input ends:
//! `cargo run --release -p sparkify-testkit --example s3_double -- [DIRECTORY]`
//!
//! It has a bucket `music` with the files of the directory, and prints the variables of a client.
#![allow(clippy::print_stdout)]

use std::{io::Read, path::Path};

use sparkify_testkit::s3::{S3Double, S3DoubleOptions};

fn main() {
    let s3 = S3Double::launch(S3DoubleOptions::default());
    s3.create_bucket("music");
    if let Some(directory) = std::env::args().nth(1) {
        let count = s3.put_directory("music", "", Path::new(&directory));
        println!("# {count} objects in s3://music");
    }
    for (name, value) in s3.environment() {
        println!("export {name}='{value}'");
    }
    // Until whoever started it is gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
