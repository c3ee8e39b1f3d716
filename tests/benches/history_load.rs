//! What a day costs on top of a long history:
//! `cargo bench -p sparkify-tests --bench history_load -- [--engine duckdb|postgres] [--rounds N]`.
//!
//! A generated log of 48 days, some 430,000 events each, and 15,000 songs. The last day is loaded into a database with the
//! songs alone, into one with the 23 days before it (10 million events), and into one with all 47 (20 million). Each
//! round begins with fresh copies of the three. Prints seconds, CPU seconds and peak memory of the loading process, and
//! the ratios of the medians.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "shared/measure.rs"]
mod measure;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use arguments::{argument, text_argument};
use measure::{Measured, measure};
use sparkify_testkit::{PostgresDatabase, PostgresServer, ServerCertificate};

const DAYS: usize = 48;
const EVENTS: u64 = 430_000 * DAYS as u64;
/// Days of history, and what it is called.
const HISTORIES: [(usize, &str); 3] = [(0, "songs only"), (23, "10 million"), (47, "20 million")];

fn main() {
    let rounds = argument("--rounds").unwrap_or(3.0) as usize;
    let engine = text_argument("--engine");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("history_load");
    let data = Data::prepare(&directory);
    if engine.as_deref() != Some("postgres") {
        let engine = DuckDb { directory: directory.clone() };
        compare(
            "DuckDB",
            rounds,
            &data,
            |history| engine.load_history(&data, history),
            |name| engine.fresh(name),
        );
    }
    if engine.as_deref() != Some("duckdb") {
        let engine = Postgres { server: PostgresServer::start(ServerCertificate::Valid) };
        compare(
            "PostgreSQL",
            rounds,
            &data,
            |history| engine.load_history(&data, history),
            |name| engine.fresh(name),
        );
    }
}

/// The generated files, a day each, in their order, and the songs.
struct Data {
    days: Vec<PathBuf>,
    songs: PathBuf,
    links: PathBuf,
}

impl Data {
    fn prepare(directory: &Path) -> Self {
        let data = directory.join("data");
        if !data.join("answers.json").exists() {
            println!("making {EVENTS} events of {DAYS} days in {}", data.display());
            let mut generate = cli();
            generate.args([
                "generate",
                "--songs",
                "15000",
                "--from",
                "2018-10-01",
                "--to",
                "2018-11-18",
                "--force",
            ]);
            generate.arg("--events").arg(EVENTS.to_string()).arg("--out").arg(&data);
            assert!(generate.stdout(Stdio::null()).status().unwrap().success());
        }
        let mut days = Vec::new();
        find(&data.join("log_data"), &mut days);
        days.sort();
        assert_eq!(days.len(), DAYS);
        Self { days, songs: data.join("song_data"), links: directory.join("links") }
    }

    /// A directory with the files of those days.
    fn of(&self, days: &[PathBuf]) -> PathBuf {
        let directory = self.links.join(format!("{}-days", days.len()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        for day in days {
            fs::hard_link(day, directory.join(day.file_name().unwrap())).unwrap();
        }
        directory
    }

    /// Loads the songs and the last days before the last.
    fn load_history(&self, warehouse: &str, days: usize) {
        run(cli().args(["create-tables", "--warehouse", warehouse]));
        let mut etl = cli();
        etl.args(["etl", "--warehouse", warehouse, "--song-data"]).arg(&self.songs);
        if days > 0 {
            let last = self.days.len() - 1;
            etl.arg("--log-data").arg(self.of(&self.days[last - days..last]));
        } else {
            let none = self.links.join("none");
            fs::create_dir_all(&none).unwrap();
            etl.arg("--source")
                .arg(self.songs.parent().unwrap())
                .arg("--log-data")
                .arg(self.first_event(&none));
        }
        run(&mut etl);
    }

    /// A single event, since a source without a log is refused.
    fn first_event(&self, directory: &Path) -> PathBuf {
        let text = fs::read_to_string(&self.days[0]).unwrap();
        fs::write(directory.join("first.json"), text.lines().next().unwrap()).unwrap();
        directory.to_owned()
    }

    /// The load of the last day.
    fn load_day(&self, warehouse: &str) -> Measured {
        let day = self.of(&self.days[self.days.len() - 1..]);
        measure(
            cli()
                .args(["etl", "--warehouse", warehouse, "--log-data"])
                .arg(day)
                .arg("--song-data")
                .arg(&self.songs),
        )
    }
}

fn compare<D>(
    engine: &str,
    rounds: usize,
    data: &Data,
    load_history: impl Fn(usize),
    fresh: impl Fn(usize) -> (String, D),
) {
    for (days, _) in HISTORIES {
        load_history(days);
    }
    println!("{engine}: one day on top of   seconds   CPU   peak MiB");
    let mut medians = Vec::new();
    let mut all = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for (measured, (days, name)) in all.iter_mut().zip(HISTORIES) {
            let (warehouse, _database) = fresh(days);
            let one = data.load_day(&warehouse);
            println!(
                "{name:>27}   {:>7.2}   {:>3.1}   {:>8}",
                one.elapsed.as_secs_f64(),
                one.cpu.as_secs_f64(),
                one.peak_mib
            );
            measured.push(one.elapsed.as_secs_f64());
        }
    }
    for mut measured in all {
        measured.sort_by(f64::total_cmp);
        medians.push(measured[measured.len() / 2]);
    }
    println!(
        "{engine}, medians: 10 million {:.2} x, 20 million {:.2} x of the day on top of the songs alone; \
         20 million {:.2} x of 10 million",
        medians[1] / medians[0],
        medians[2] / medians[0],
        medians[2] / medians[1]
    );
}

struct DuckDb {
    directory: PathBuf,
}

impl DuckDb {
    fn file(&self, days: usize) -> PathBuf {
        self.directory.join(format!("history-{days}.duckdb"))
    }

    fn load_history(&self, data: &Data, days: usize) {
        let file = self.file(days);
        remove(&file);
        data.load_history(&format!("duckdb:{}", file.display()), days);
    }

    fn fresh(&self, days: usize) -> (String, ()) {
        let copy = self.directory.join("day.duckdb");
        remove(&copy);
        fs::copy(self.file(days), &copy).unwrap();
        (format!("duckdb:{}", copy.display()), ())
    }
}

struct Postgres {
    server: PostgresServer,
}

impl Postgres {
    fn name(days: usize) -> String {
        format!("history_{days}")
    }

    fn load_history(&self, data: &Data, days: usize) {
        let database = self.server.create_database();
        data.load_history(&database.url(), days);
        self.server
            .execute("postgres", &format!("ALTER DATABASE {} RENAME TO {}", database.name, Self::name(days)));
        self.server.execute(&Self::name(days), "VACUUM ANALYZE");
    }

    fn fresh(&self, days: usize) -> (String, PostgresDatabase) {
        let database = self.server.create_database();
        self.server.execute("postgres", &format!("DROP DATABASE {}", database.name));
        let copy = format!("CREATE DATABASE {} TEMPLATE {}", database.name, Self::name(days));
        self.server.execute("postgres", &copy);
        self.server.execute("postgres", "CHECKPOINT");
        (database.url(), database)
    }
}

fn cli() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"))
}

fn run(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{command:?}");
}

fn find(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { find(&path, found) } else { found.push(path) }
    }
}

fn remove(database: &Path) {
    for suffix in ["", ".wal"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
}
