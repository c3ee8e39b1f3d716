//! The command line on a PostgreSQL server.

use std::time::{Duration, Instant};

use serde_json::Value;
use sparkify_testkit::{
    Cli, Cut, DataSet, Event, PostgresDatabase, PostgresServer, ServerCertificate, Song, WireProxy, real_data,
};

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
fn a_load_that_lost_its_connection_says_so_and_begins_anew_as_often_as_it_may() {
    let (cli, data) = (cli(), data());
    let source = data.path().display().to_string();
    let (server, proxy) = (PostgresServer::shared(), WireProxy::start(PostgresServer::shared()));
    let url = proxy.url(&server.create_database());
    let _ = cli.run(["create-tables", "--warehouse", &url]).success();
    let etl = |more: &[&str]| {
        let arguments =
            ["etl", "--source", &source, "--warehouse", &url, "--format", "json", "--wait", "60s"];
        cli.run(arguments.iter().chain(more))
    };
    proxy.begin(Some(Cut::WithinRows(1)));
    let finished = etl(&["--retries", "0"]).with_code(1);
    assert!(proxy.was_cut());
    assert!(
        finished.stderr.contains("was lost") && finished.stderr.contains("hint: run again"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("anew"), "{}", finished.stderr);

    proxy.begin(Some(Cut::WithinRows(1)));
    let finished = etl(&[]).success();
    assert!(proxy.was_cut());
    assert!(
        finished.stderr.contains("begins anew in") && finished.stderr.contains("attempt 2 of 4"),
        "{}",
        finished.stderr
    );
    let report = finished.json();
    assert_eq!((&report["attempts"], &report["records"]["staged"]), (&2.into(), &2010.into()));
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

/// Each command that reaches the server ends with exit code 1, with these words, and with a hint.
fn assert_refused(cli: &Cli, url: &str, words: &str) {
    for command in ["run", "etl", "create-tables", "check", "explore"] {
        let finished = cli.run([command, "--warehouse", url, "--source", "."]).with_code(1);
        let text = &finished.stderr;
        assert!(text.contains(words) && text.contains("hint: "), "{command}: {text}");
        assert!(!text.contains("anew"), "{command} was tried again: {text}");
        for secret in ["not-the-password", sparkify_testkit::POSTGRES_PASSWORD] {
            assert!(!text.contains(secret), "{command}: {text}");
        }
    }
}

#[test]
fn what_the_server_refuses_is_said_with_a_hint_and_exit_code_1() {
    let cli = cli();
    let server = PostgresServer::shared();
    let database = server.create_database();
    let roots = |path: &std::path::Path| format!("sslrootcert={}", path.display());
    let authority = roots(&server.authority());
    let started = Instant::now();
    assert_refused(&cli, "postgres://me@127.0.0.1:1/db?sslmode=disable&connect_timeout=2", "127.0.0.1:1");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_refused(&cli, &wrong_password(&database), "refuses the login");
    let wrong_authority = format!("sslmode=verify-full&{}", roots(&server.other_authority()));
    assert_refused(&cli, &database.url_with("localhost", &wrong_authority), "not trusted");
    let wrong_host = format!("sslmode=verify-full&hostaddr=127.0.0.1&{authority}");
    assert_refused(&cli, &database.url_with("db.example.com", &wrong_host), "for another host");
    assert_refused(&cli, &database.url_with("localhost", "sslmode=disable"), "no encryption");
    let missing = PostgresDatabase { name: "no_such_database".to_owned(), ..database.clone() };
    assert_refused(&cli, &missing.url(), "does not exist");
    let expired = PostgresServer::start(ServerCertificate::Expired);
    assert_refused(&cli, &expired.create_database().url(), "has expired");

    // Tables are missing: no different from DuckDB.
    let finished = cli.run(["check", "--warehouse", &database.url()]).with_code(1);
    assert!(finished.stderr.contains("create-tables"), "{}", finished.stderr);
    // They cannot be made.
    let owner = format!("ALTER DATABASE {} OWNER TO postgres", database.name);
    server.execute("postgres", &owner);
    let finished = cli.run(["create-tables", "--warehouse", &database.url()]).with_code(1);
    assert!(
        finished.stderr.contains("may not do this") && finished.stderr.contains("GRANT"),
        "{}",
        finished.stderr
    );
}

fn wrong_password(database: &PostgresDatabase) -> String {
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.rsplit_once('@').unwrap();
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    format!("{scheme}://{user}:not-the-password@{host}")
}
