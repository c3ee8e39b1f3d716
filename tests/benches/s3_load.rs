//! A load of many one-song objects from S3, against the rate at which the S3 in memory answers at all:
//! `cargo bench -p sparkify-tests --bench s3_load -- [--objects N] [--rounds N] [--latency MILLISECONDS]`.
//!
//! They are loaded into DuckDB, and packed and loaded into the double of Redshift. The S3 double runs on one
//! thread of this process, as the other double does beside its PostgreSQL; the command line is a process of
//! its own. "Alone" are unsigned requests from a client that does nothing else. Prints requests a second,
//! the time of a second run that finds nothing new, peak memory, and what was written to S3.
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
    Cli, PostgresServer, ServerCertificate, Song,
    redshift::{RedshiftDouble, RedshiftDoubleOptions},
    s3::{Operation, S3Double, S3DoubleOptions},
};

const BUCKET: &str = "music";
/// The bucket for packed files.
const STAGE: &str = "stage";
/// The role that the cluster reads S3 with.
const ROLE: &str = "arn:aws:iam::123456789012:role/sparkify";
/// Connections of the client that does nothing else.
const CONNECTIONS: usize = 16;

fn main() {
    let objects = argument("--objects").unwrap_or(15_000.0) as usize;
    let rounds = argument("--rounds").unwrap_or(3.0) as u32;
    let latency = Duration::from_millis(argument("--latency").unwrap_or(0.0) as u64);
    let s3 = S3Double::launch(S3DoubleOptions { latency, ..S3DoubleOptions::default() });
    s3.create_bucket(BUCKET);
    let keys: Vec<_> = (0..objects).map(|number| put(&s3, number)).collect();
    s3.create_bucket(STAGE);
    let server = PostgresServer::start(ServerCertificate::Valid);
    println!("{objects} objects, {} ms for each answer", latency.as_millis());
    println!(
        "round  alone (GET/s)  into      GET/s  seconds      CPU  peak MiB  second run (s)  files written"
    );
    for round in 1..=rounds {
        let begin = Instant::now();
        read_all(&s3, &keys);
        let alone = objects as f64 / begin.elapsed().as_secs_f64();

        let options = RedshiftDoubleOptions {
            s3_endpoint: Some(s3.service_endpoint()),
            roles: Some(vec![ROLE.to_owned()]),
            ..RedshiftDoubleOptions::default()
        };
        let redshift = RedshiftDouble::launch(&server, options);
        for (name, url) in [("duckdb", None), ("redshift", Some(redshift.owner_url()))] {
            let cli = Cli::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"));
            let mut create_tables = command(&cli, &s3, url.as_deref(), &["create-tables"]);
            assert!(create_tables.output().unwrap().status.success());
            let etl = || command(&cli, &s3, url.as_deref(), &["etl", "--source", "s3://music"]);
            let _ = s3.take_requests();
            let first = measure(&mut etl());
            let requests = s3.take_requests();
            let written = requests.of(Operation::Put);
            // Each object once and the JSONPaths file; COPY reads what was written.
            let read = requests.of(Operation::Get);
            assert!((objects as u64 + 1..=objects as u64 + 1 + 2 * written).contains(&read), "{requests:?}");
            let second = measure(&mut etl());
            assert_eq!(s3.take_requests().of(Operation::Get), 0);
            println!(
                "{round:>5}  {alone:>13.0}  {name:<8}  {:>5.0}  {:>7.2}  {:>7.2}  {:>8}  {:>14.2}  {written:>13}",
                objects as f64 / first.elapsed.as_secs_f64(),
                first.elapsed.as_secs_f64(),
                first.cpu.as_secs_f64(),
                first.peak_mib,
                second.elapsed.as_secs_f64()
            );
        }
    }
}

fn put(s3: &S3Double, number: usize) -> String {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).unwrap());
    let song = Song::new(&format!("SO{number:016}"), &format!("AR{:016}", number / 2));
    let key = format!("song_data/A/{}/{}/TRA{number:015}.json", letter(number / 26), letter(number));
    s3.put(BUCKET, &key, song.title(&format!("Song {number}")).line());
    key
}

/// The command line with all that the warehouse needs; without a URL that is a DuckDB file.
fn command(cli: &Cli, s3: &S3Double, url: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = cli.command(arguments);
    command.envs(s3.environment());
    if let Some(url) = url {
        let stage = format!("s3://{STAGE}/packed");
        command.args(["--warehouse", url, "--stage", &stage, "--iam-role", ROLE]);
    }
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
