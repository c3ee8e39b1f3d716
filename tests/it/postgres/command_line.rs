//! The command line on a PostgreSQL server.

use std::time::{Duration, Instant};

use serde_json::Value;
use sparkify_testkit::{Cli, DataSet, Event, PostgresDatabase, PostgresServer, Song, real_data};

use crate::cli;

/// How often a run is killed.
const KILLS: u32 = 8;

fn data() -> DataSet {
    let data = DataSet::new();
    for file in 0..10 {
        let events: Vec<_> = (0..200)
            .map(|item| Event::play(file, item).user(item % 20).song(&format!("Song {}", item % 30)))
            .collect();
        data.write_events(&format!("{file}.json"), &events);
        let song = Song::new(&format!("SO{file}"), &format!("AR{}", file / 2)).title(&format!("Song {file}"));
        data.write_songs(&format!("{file}.json"), &[song]);
    }
    data
}

fn run(cli: &Cli, data: &str, url: &str) -> Value {
    // A killed run may hold its lock for a moment longer than it lives.
    let arguments = ["run", "--source", data, "--warehouse", url, "--format", "json", "--wait", "60s"];
    cli.run(arguments).success().json()
}

/// The rows of all star and staging tables, as JSON.
fn rows(cli: &Cli, url: &str) -> Vec<String> {
    ["users", "songs", "artists", "time", "songplays", "staging_events", "staging_songs"]
        .into_iter()
        .map(|table| {
            let query = format!("SELECT * FROM {table}");
            let finished =
                cli.run(["explore", "--query", &query, "--format", "csv", "--warehouse", url]).success();
            let mut lines: Vec<_> = finished.stdout.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        })
        .collect()
}

#[test]
fn the_same_commands_give_the_same_numbers_as_on_duckdb() {
    let sample = tempfile::tempdir().unwrap();
    let source = real_data().unwrap_or_else(|| {
        let path = sample.path().join("sample");
        sparkify_eventsim::Sample::default().write(&path).unwrap();
        path
    });
    let (cli, database) = (cli(), PostgresServer::shared().create_database());
    let (source, url) = (source.to_str().unwrap(), database.url());
    let on_postgres = run(&cli, source, &url);
    let on_duckdb = run(&cli, source, "duckdb:x.duckdb");
    for key in ["files", "records", "tables", "matched_songplays", "match_rate", "checks"] {
        assert_eq!(on_postgres[key], on_duckdb[key], "{key}");
    }
    // The two write a timestamp with a blank or a T.
    let text = |report: &Value| report["analytics"].to_string();
    assert_eq!(text(&on_postgres), text(&on_duckdb));
    assert_eq!(run(&cli, source, &url)["files"]["loaded"], 0);
    let _ = cli.run(["check", "--warehouse", &url]).success();
}

#[test]
fn a_killed_run_leaves_all_or_nothing_and_the_next_run_completes_it() {
    let (cli, data) = (cli(), data());
    let source = data.path().display().to_string();
    let reference = PostgresServer::shared().create_database();
    let begin = Instant::now();
    let _ = run(&cli, &source, &reference.url());
    let whole = begin.elapsed();
    let complete = rows(&cli, &reference.url());

    let mut killed = 0;
    for attempt in 0..KILLS {
        let database = PostgresServer::shared().create_database();
        let url = database.url();
        let _ = cli.run(["create-tables", "--warehouse", &url]).success();
        let empty = rows(&cli, &url);
        let mut child = cli.start(["run", "--source", &source, "--warehouse", &url]);
        std::thread::sleep(whole * attempt / KILLS);
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let left = rows(&cli, &url);
        assert!(left == empty || left == complete, "attempt {attempt} left a part");
        let _ = run(&cli, &source, &url);
        assert!(rows(&cli, &url) == complete, "attempt {attempt}");
    }
    assert!(killed > KILLS / 2, "only {killed} runs were killed while they worked");
}

#[test]
fn two_runs_at_once_load_everything_once() {
    let (cli, data) = (cli(), data());
    let source = data.path().display().to_string();
    let database = PostgresServer::shared().create_database();
    let url = database.url();
    let _ = cli.run(["create-tables", "--warehouse", &url]).success();
    let arguments = ["etl", "--source", &source, "--warehouse", &url, "--wait", "60s"];
    let mut children: Vec<_> = (0..3).map(|_| cli.start(arguments)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let query = "SELECT COUNT(*) AS runs FROM load_runs";
    let finished = cli.run(["explore", "--query", query, "--format", "json", "--warehouse", &url]).success();
    assert_eq!(finished.json()[0]["runs"], 1);
}

#[test]
fn no_output_of_any_command_has_the_password() {
    let (cli, data) = (cli(), data());
    let (source, database) = (data.path().display().to_string(), PostgresServer::shared().create_database());
    let url = database.url();
    for command in ["create-tables", "run", "check", "explore", "config"] {
        let mut arguments = vec![command, "--warehouse", &url, "--source", &source, "-vv"];
        if command == "config" {
            arguments.insert(1, "show");
        }
        let finished = cli.run(&arguments).success();
        for text in [&finished.stdout, &finished.stderr] {
            assert!(!text.contains(sparkify_testkit::POSTGRES_PASSWORD), "{command}: {text}");
            let password =
                url.split_once("://").unwrap().1.split_once(':').unwrap().1.split_once('@').unwrap().0;
            assert!(!text.contains(password), "{command}: {text}");
        }
    }
}

#[test]
fn what_the_server_refuses_is_said_with_a_hint_and_exit_code_1() {
    let cli = cli();
    let nobody_listens = "postgres://me@127.0.0.1:1/db?sslmode=disable&connect_timeout=2";
    let started = Instant::now();
    let finished = cli.run(["check", "--warehouse", nobody_listens]).with_code(1);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert!(
        finished.stderr.contains("127.0.0.1") && finished.stderr.contains("hint: "),
        "{}",
        finished.stderr
    );

    let database = PostgresServer::shared().create_database();
    let wrong = wrong_password(&database);
    let finished = cli.run(["check", "--warehouse", &wrong]).with_code(1);
    assert!(
        finished.stderr.contains("hint: ") && !finished.stderr.contains("not-the-password"),
        "{}",
        finished.stderr
    );

    // Tables are missing: no different from DuckDB.
    let finished = cli.run(["check", "--warehouse", &database.url()]).with_code(1);
    assert!(finished.stderr.contains("create-tables"), "{}", finished.stderr);
}

fn wrong_password(database: &PostgresDatabase) -> String {
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.rsplit_once('@').unwrap();
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    format!("{scheme}://{user}:not-the-password@{host}")
}
