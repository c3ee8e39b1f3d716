//! The load into DuckDB against a hand-written DuckDB script for the same job, on the same data, in one
//! run: `cargo bench -p sparkify-tests --bench local_load -- [--events MILLIONS] [--rounds N]`.
//!
//! The script is run twice: as it is usually written, and tuned (rows in no order, the types of the columns
//! given). It finds no duplicates, keeps no ledger, and checks nothing. Prints seconds, ratios, peak
//! memory, and the time of a second run that finds nothing new.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "shared/data.rs"]
mod data;
#[path = "shared/measure.rs"]
mod measure;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use arguments::argument;
use data::prepare;
use measure::{Measured, measure};

/// The environment variable that makes this program run the script instead, on the source that it names.
const SCRIPT_FOR: &str = "SPARKIFY_BENCH_SCRIPT_FOR";

/// What makes the script fast, and is not usually there.
const TUNING: &str = "SET preserve_insertion_order = false;";

/// Read everything, then make the star with one statement a table. `{events}` and `{songs}` are the types
/// of the columns, or nothing.
const SCRIPT: &str = r"
CREATE TABLE staging_events AS
SELECT artist, auth, firstName AS first_name, gender, itemInSession AS item_in_session, lastName AS last_name, length, level,
       location, method, page, registration, sessionId AS session_id, song, status, ts, userAgent AS user_agent,
       TRY_CAST(NULLIF(userId, '') AS BIGINT) AS user_id
FROM read_json('{source}/log_data/**/*.json'{events});
CREATE TABLE staging_songs AS
SELECT * FROM read_json('{source}/song_data/**/*.json'{songs});
CREATE TABLE users AS
SELECT user_id, ARG_MAX(first_name, ts) AS first_name, ARG_MAX(last_name, ts) AS last_name, ARG_MAX(gender, ts) AS gender,
       ARG_MAX(level, ts) AS level
FROM staging_events WHERE user_id IS NOT NULL GROUP BY user_id;
CREATE TABLE songs AS
SELECT DISTINCT ON (song_id) song_id, title, artist_id, NULLIF(year, 0) AS year, duration FROM staging_songs;
CREATE TABLE artists AS
SELECT DISTINCT ON (artist_id) artist_id, artist_name AS name, NULLIF(artist_location, '') AS location, artist_latitude AS latitude,
       artist_longitude AS longitude FROM staging_songs;
CREATE TABLE songplays AS
SELECT session_id * 1048576 + item_in_session AS songplay_id, EPOCH_MS(ts) AS start_time, user_id, level, song_id, artist_id,
       session_id, item_in_session, location, user_agent
FROM staging_events e
LEFT JOIN (SELECT title, artist_name, duration, MIN(song_id) AS song_id, MIN(artist_id) AS artist_id FROM staging_songs GROUP BY ALL) s
  ON s.title = e.song AND s.artist_name = e.artist AND s.duration = e.length
WHERE page = 'NextSong' AND user_id IS NOT NULL;
CREATE TABLE time AS
SELECT start_time, HOUR(start_time) AS hour, DAY(start_time) AS day, WEEK(start_time) AS week, MONTH(start_time) AS month,
       YEAR(start_time) AS year, DAYOFWEEK(start_time) AS weekday
FROM (SELECT DISTINCT start_time FROM songplays);
CHECKPOINT;
";

const EVENT_TYPES: &str = ", format = 'newline_delimited', columns = { artist: 'VARCHAR', auth: 'VARCHAR', firstName: 'VARCHAR', gender: 'VARCHAR', itemInSession: 'INTEGER', lastName: 'VARCHAR', length: 'DOUBLE', level: 'VARCHAR', location: 'VARCHAR', method: 'VARCHAR', page: 'VARCHAR', registration: 'DOUBLE', sessionId: 'BIGINT', song: 'VARCHAR', status: 'INTEGER', ts: 'BIGINT', userAgent: 'VARCHAR', userId: 'VARCHAR'}";
const SONG_TYPES: &str = ", columns = { num_songs: 'INTEGER', artist_id: 'VARCHAR', artist_latitude: 'DOUBLE', artist_longitude: 'DOUBLE', artist_location: 'VARCHAR', artist_name: 'VARCHAR', song_id: 'VARCHAR', title: 'VARCHAR', duration: 'DOUBLE', year: 'INTEGER'}";

fn main() {
    if let Ok(source) = std::env::var(SCRIPT_FOR) {
        return run_script(&source);
    }
    let millions = argument("--events").unwrap_or(2.0);
    let rounds = argument("--rounds").unwrap_or(3.0) as u32;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("local_load-{millions}M"));
    let source = prepare(&directory.join("data"), millions);
    let (mut plain, mut tuned, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    println!(
        "round  plain script  tuned script  sparkify-cli  second run   (seconds, CPU seconds, peak MiB)"
    );
    for round in 1..=rounds {
        let script = |form: &str| {
            let database = directory.join("script.duckdb");
            remove(&database);
            let mut command = Command::new(std::env::current_exe().unwrap());
            measure(command.env(SCRIPT_FOR, &source).arg(&database).arg(form))
        };
        plain.push(script("plain"));
        tuned.push(script("tuned"));

        let database = directory.join("sparkify.duckdb");
        remove(&database);
        let cli = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"));
            command.args(["--source", source.to_str().unwrap(), "--warehouse"]);
            command.arg(format!("duckdb:{}", database.display()));
            command
        };
        assert!(cli().arg("create-tables").stdout(Stdio::null()).status().unwrap().success());
        ours.push(measure(cli().arg("etl")));
        let again = measure(cli().arg("etl"));
        let shown = |measured: &Measured| {
            let [wall, cpu] = [measured.elapsed, measured.cpu].map(|time| time.as_secs_f64());
            format!("{wall:.2} {cpu:.2} {:>5}", measured.peak_mib)
        };
        let last = |all: &[Measured]| all.last().map(shown).unwrap_or_default();
        println!(
            "{round:>5}  {:>12}  {:>12}  {:>12}  {:>10}",
            last(&plain),
            last(&tuned),
            last(&ours),
            shown(&again)
        );
    }
    let best = |all: &[Measured]| all.iter().map(|m| m.elapsed.as_secs_f64()).fold(f64::MAX, f64::min);
    println!(
        "best of {rounds}: {:.2} of the plain script's time, {:.2} of the tuned one's",
        best(&ours) / best(&plain),
        best(&ours) / best(&tuned)
    );
}

fn remove(database: &Path) {
    for suffix in ["", ".wal"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
}

fn run_script(source: &str) {
    let database = std::env::args().nth(1).unwrap();
    let tuned = std::env::args().nth(2).unwrap() == "tuned";
    let (tuning, events, songs) = if tuned { (TUNING, EVENT_TYPES, SONG_TYPES) } else { ("", "", "") };
    let script = SCRIPT.replace("{source}", source).replace("{events}", events).replace("{songs}", songs);
    let connection = duckdb::Connection::open(database).unwrap();
    connection.execute_batch(&format!("{tuning}{script}")).unwrap();
}
