//! A load of many one-song objects from S3, against the rate at which the S3 in memory answers at all:
//! `cargo bench -p sparkify-tests --bench s3_load -- [--objects N] [--rounds N] [--latency MILLISECONDS]`.
//!
//! The S3 double runs on one thread of this process; the command line is a process of its own. "Alone" are
//! unsigned requests from a client that does nothing else. Prints requests a second, the time of a second
//! run that finds nothing new, and peak memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "shared/measure.rs"]
mod measure;

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use arguments::argument;
use measure::measure;
use sparkify_testkit::{
    Cli, Song,
    s3::{Operation, S3Double, S3DoubleOptions},
};

const BUCKET: &str = "music";
/// Connections of the client that does nothing else.
const CONNECTIONS: usize = 16;

fn main() {
    let objects = argument("--objects").unwrap_or(15_000.0) as usize;
    let rounds = argument("--rounds").unwrap_or(3.0) as u32;
    let latency = Duration::from_millis(argument("--latency").unwrap_or(0.0) as u64);
    let s3 = S3Double::launch(S3DoubleOptions { latency, ..S3DoubleOptions::default() });
    s3.create_bucket(BUCKET);
    let keys: Vec<_> = (0..objects).map(|number| put(&s3, number)).collect();
    println!("{objects} objects, {} ms for each answer", latency.as_millis());
    println!("round  alone (GET/s)  sparkify-cli (GET/s)  seconds  peak MiB  second run (s)");
    for round in 1..=rounds {
        let begin = Instant::now();
        read_all(&s3, &keys);
        let alone = objects as f64 / begin.elapsed().as_secs_f64();

        let cli = Cli::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"));
        let _ = cli.run(["create-tables"]).success();
        let _ = s3.take_requests();
        let first = measure(&mut etl(&cli, &s3));
        let requests = s3.take_requests();
        assert_eq!(
            requests.of(Operation::Get),
            objects as u64 + 1,
            "each object once, and the JSONPaths file"
        );
        let second = measure(&mut etl(&cli, &s3));
        assert_eq!(s3.take_requests().of(Operation::Get), 0);
        let ours = objects as f64 / first.elapsed.as_secs_f64();
        println!(
            "{round:>5}  {alone:>13.0}  {ours:>20.0}  {:>7.2}  {:>8}  {:>14.2}",
            first.elapsed.as_secs_f64(),
            first.peak_mib,
            second.elapsed.as_secs_f64()
        );
    }
}

fn put(s3: &S3Double, number: usize) -> String {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).unwrap());
    let song = Song::new(&format!("SO{number:016}"), &format!("AR{:016}", number / 2));
    let key = format!("song_data/A/{}/{}/TRA{number:015}.json", letter(number / 26), letter(number));
    s3.put(BUCKET, &key, song.title(&format!("Song {number}")).line());
    key
}

fn etl(cli: &Cli, s3: &S3Double) -> Command {
    let mut command = cli.command(["etl", "--source", "s3://music"]);
    command.envs(s3.environment());
    command
}

/// Reads all objects over a few connections, each request after the answer before.
fn read_all(s3: &S3Double, keys: &[String]) {
    let endpoint = s3.service_endpoint();
    let address = endpoint.trim_start_matches("http://");
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 64 * 1024];
                while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                    write!(stream, "GET /{BUCKET}/{key} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
                    let mut length = 0;
                    while !is_whole(&buffer[..length]) {
                        length += stream.read(&mut buffer[length..]).unwrap();
                    }
                    assert!(buffer.starts_with(b"HTTP/1.1 200"));
                }
            });
        }
    });
}

/// Whether an answer has all of its body.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
