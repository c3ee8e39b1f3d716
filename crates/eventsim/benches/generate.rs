//! How fast the generator is, and what memory it needs:
//! `cargo bench -p sparkify-eventsim --bench generate -- [--events MILLIONS] [--rounds N] [--check]`.
//!
//! Prints events a second with one thread and with all, to a place that only counts and to a directory, plain
//! and compressed; then the peak memory of logs of the same users over one month, three and ten. With `--check` it ends
//! with 1 if one core makes less than a million events a second, all of them do not make clearly more, or memory grows
//! with the length of the log.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sparkify_eventsim::{
    Compression, Error, Existing, LocalDirectory, Part, Progress, Settings, Sink, SinkFile, Volume, Written,
    generate,
};

/// A place that only counts bytes.
#[derive(Debug, Default)]
struct Counting(Arc<AtomicU64>);

impl Sink for Counting {
    fn location(&self) -> String {
        "nowhere".to_owned()
    }

    fn create(&self, _: &str) -> Result<Box<dyn SinkFile>, Error> {
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }

    fn publish(&self) -> Result<(), Error> {
        Ok(())
    }

    fn discard(&self) {}
}

impl SinkFile for Counting {
    fn write(&self, part: Part<'_>) -> Result<(), Error> {
        self.0.fetch_add(part.bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

/// The environment variable that makes this program only make a data set of so many users, up to a time, in a
/// directory: what it names is separated by blanks.
const ONLY: &str = "SPARKIFY_BENCH_ONLY";

/// What `--check` demands: million events a second on one core, and how much more on all cores, if there are several.
const RATE_MIN: f64 = 1.0;
const SPEED_UP_MIN: f64 = 1.3;
/// And by how much the peak memory of ten months may exceed that of one.
const MEMORY_GROWTH_MAX: f64 = 1.3;

fn main() {
    if let Ok(only) = std::env::var(ONLY) {
        return only_make(&only);
    }
    let millions = argument("--events").unwrap_or(2.0);
    let rounds = argument("--rounds").unwrap_or(3.0) as u32;
    let cores = std::thread::available_parallelism().unwrap().get();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generate");
    // As many users as it takes; found out once, so that only the making is measured.
    let trial =
        Settings { volume: Volume::Events((millions * 1e6) as u64), songs: 1_000, ..Settings::default() };
    let users = generate(&trial, &Counting::default(), &Progress::default()).unwrap().users;
    let plain = Settings { volume: Volume::Users(users), ..trial };
    println!("{millions} million events of {users} users, {cores} cores, best of {rounds}");
    println!("threads  to         form  seconds  million events/s  a core  MB/s");
    let mut rates = Vec::new();
    let compressed = |compression| Settings { compression, ..plain };
    for (threads, to_disk, form, settings) in [
        (1, false, "none", plain),
        (cores, false, "none", plain),
        (1, true, "none", plain),
        (cores, true, "none", plain),
        (cores, true, "gz", compressed(Compression::Gzip)),
        (cores, true, "zst", compressed(Compression::Zstd)),
    ] {
        let settings = Settings { threads, ..settings };
        let runs = (0..rounds).map(|_| run(&settings, to_disk.then_some(&directory)));
        let (elapsed, written) = runs.min_by_key(|(elapsed, _)| *elapsed).unwrap();
        let rate = written.events as f64 / elapsed.as_secs_f64() / 1e6;
        rates.push(rate);
        println!(
            "{threads:>7}  {:<9}  {form:>4}  {:>7.2}  {rate:>16.2}  {:>6.2}  {:>4.0}",
            if to_disk { "directory" } else { "nowhere" },
            elapsed.as_secs_f64(),
            rate / threads as f64,
            rate * 466.0
        );
    }
    println!("months  million events  peak MiB   (the same {} users)", users / 10);
    let mut peaks = Vec::new();
    for (months, to) in [(1, "2018-12-01"), (3, "2019-02-01"), (10, "2019-09-01")] {
        let (events, peak_mib) = peak_of(users / 10, to, &directory);
        peaks.push(peak_mib as f64);
        println!("{months:>6}  {:>14.2}  {peak_mib:>8}", events as f64 / 1e6);
    }
    if std::env::args().any(|argument| argument == "--check") {
        // The first two are those to nowhere.
        let speed_up = rates[1] / rates[0];
        let growth = peaks[peaks.len() - 1] / peaks[0];
        let checks = [
            (
                format!("{:.2} million events/s on one core, {RATE_MIN} at least", rates[0]),
                rates[0] >= RATE_MIN,
            ),
            (
                format!("{speed_up:.2} times as fast on {cores} cores, {SPEED_UP_MIN} at least"),
                cores == 1 || speed_up >= SPEED_UP_MIN,
            ),
            (
                format!("{growth:.2} times the memory for ten months, {MEMORY_GROWTH_MAX} at most"),
                growth <= MEMORY_GROWTH_MAX,
            ),
        ];
        for (what, holds) in &checks {
            println!("{}  {what}", if *holds { "ok    " } else { "FAILED" });
        }
        if checks.iter().any(|(_, holds)| !holds) {
            std::process::exit(1);
        }
    }
}

fn argument(name: &str) -> Option<f64> {
    let arguments: Vec<_> = std::env::args().collect();
    let position = arguments.iter().position(|argument| argument == name)?;
    Some(arguments[position + 1].parse().unwrap())
}

fn run(settings: &Settings, directory: Option<&PathBuf>) -> (Duration, Written) {
    let begin = Instant::now();
    let written = match directory {
        Some(directory) => {
            let sink = LocalDirectory::create(directory, Existing::ReplaceAll).unwrap();
            generate(settings, &sink, &Progress::default()).unwrap()
        }
        None => generate(settings, &Counting::default(), &Progress::default()).unwrap(),
    };
    let elapsed = begin.elapsed();
    if let Some(directory) = directory {
        std::fs::remove_dir_all(directory).unwrap();
    }
    (elapsed, written)
}

fn only_make(what: &str) {
    let [users, to, directory] = what.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{what}") };
    let settings = Settings {
        volume: Volume::Users(users.parse().unwrap()),
        to: to.parse().unwrap(),
        ..Settings::default()
    };
    let (_, written) = run(&settings, Some(&PathBuf::from(directory)));
    println!("{}", written.events);
}

/// The events and the peak memory of a run in a process of its own.
fn peak_of(users: u32, to: &str, directory: &Path) -> (u64, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ONLY, format!("{users} {to} {}", directory.display()));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (String::from_utf8(output.stdout).unwrap().trim().parse().unwrap(), peak_kib / 1024)
}
