//! The command line with each engine: the same output, the same exit codes, and safe when it is killed,
//! stopped, or started twice.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sparkify_testkit::{DataSet, Dump, Event, Song, real_data};

use super::{CommandLine, Engine};

on_every_engine! {
    run_reports_and_answers_the_same,
    explore_prints_the_same_in_every_format,
    each_step_can_be_run_on_its_own,
    bad_data_and_wrong_usage_end_with_their_exit_codes,
    explore_refuses_what_writes,
    a_killed_run_leaves_all_or_nothing_and_the_next_run_completes_it,
    a_run_that_is_told_to_stop_changes_nothing,
    runs_at_the_same_time_load_everything_once,
}

on_every_engine! {
    also on SerializableRedshift as serializable_redshift:
    run_reports_and_answers_the_same,
    a_killed_run_leaves_all_or_nothing_and_the_next_run_completes_it,
    runs_at_the_same_time_load_everything_once,
}

/// The real data, or the sample.
pub(crate) fn source(parent: &tempfile::TempDir) -> PathBuf {
    real_data().unwrap_or_else(|| {
        let path = parent.path().join("sample");
        sparkify_eventsim::Sample::default().write(&path).unwrap();
        path
    })
}

/// Enough that a run has a read, a transform and a commit to be killed in.
pub(crate) fn data() -> DataSet {
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

/// Starts it, with its output thrown away.
fn start(cli: &CommandLine, arguments: &[&str]) -> std::process::Child {
    cli.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The report without what differs from run to run.
fn settled(mut report: Value) -> Value {
    for key in ["run_id", "warehouse", "elapsed_ms", "steps_ms"] {
        assert!(report.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    report
}

async fn run_reports_and_answers_the_same(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let source = source(&parent);
    let (cli, reference) = (engine.command_line(), Engine::DuckDb.command_line());
    let report = cli.load(&source);
    assert!(report["analytics"].as_object().unwrap().len() >= 15);
    assert_eq!(settled(report), settled(reference.load(&source)));
    assert_eq!(cli.dump().await, reference.dump().await);
    let again = cli.load(&source);
    assert_eq!((&again["files"]["loaded"], &again["records"]["read"]), (&json!(0), &json!(0)));
    assert_eq!(settled(again), settled(reference.load(&source)));
    assert_eq!(cli.dump().await, reference.dump().await);
    let summary = |cli: &CommandLine| {
        let finished = cli.run(&["etl", "--source", source.to_str().unwrap()]).success();
        finished.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(summary(&cli), summary(&reference));
}

async fn explore_prints_the_same_in_every_format(engine: Engine) {
    let parent = tempfile::tempdir().unwrap();
    let source = source(&parent);
    let (cli, reference) = (engine.command_line(), Engine::DuckDb.command_line());
    for cli in [&cli, &reference] {
        let _ = cli.load(&source);
    }
    let query = "SELECT user_id, first_name, level FROM users WHERE user_id < 20 ORDER BY user_id";
    for arguments in [
        &["explore"][..],
        &["explore", "--format", "csv"],
        &["explore", "--format", "json"],
        &["explore", "top_songs", "plays_by_hour"],
        &["explore", "--query", query],
        &["explore", "--query", query, "--format", "json"],
        &["explore", "--query", "SELECT title FROM songs WHERE song_id = 'nothing'", "--format", "csv"],
        &["check"],
        &["check", "--format", "json"],
    ] {
        let (found, expected) = (cli.run(arguments).success(), reference.run(arguments).success());
        assert_eq!(found.stdout, expected.stdout, "{arguments:?}");
        assert_eq!(found.stderr, expected.stderr, "{arguments:?}");
    }
}

async fn each_step_can_be_run_on_its_own(engine: Engine) {
    let (cli, data) = (engine.command_line(), data());
    let etl = ["etl", "--source", data.path().to_str().unwrap(), "--format", "json"].map(str::to_owned);
    let etl = etl.each_ref().map(String::as_str);
    // DuckDB has no file yet; the others have no tables.
    assert!(cli.run(&etl).with_code(1).stderr.contains("create"));
    let _ = cli.run(&["create-tables"]).success();
    let _ = cli.run(&["create-tables"]).success();
    assert_eq!(cli.run(&etl).success().json()["records"]["staged"], 2010);
    let _ = cli.run(&["check"]).success();
    let before = cli.dump().await;
    let _ = cli.run(&["create-tables"]).success();
    assert_eq!(cli.dump().await, before);
    let _ = cli.run(&["create-tables", "--drop", "--yes"]).success();
    assert!(cli.dump().await.values().all(Vec::is_empty));
    assert_eq!(cli.run(&etl).success().json()["records"]["staged"], 2010);
    assert_eq!(cli.dump().await, before);
}

async fn bad_data_and_wrong_usage_end_with_their_exit_codes(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0)]);
    let _ = cli.load(&data.path());
    let before = cli.dump().await;
    data.write("log_data/b.json", format!("{}\n{{\"broken\"", Event::play(1, 1).line()));
    let source = data.path();
    let finished = cli.run(&["etl", "--source", source.to_str().unwrap()]).with_code(3);
    assert!(finished.stderr.contains("line 2") && finished.stderr.contains("remedy"), "{}", finished.stderr);
    assert_eq!(cli.dump().await, before);
    assert!(cli.run(&["explore", "no_such_question"]).with_code(2).stderr.contains("no_such_question"));
    let finished = cli.run(&["explore", "--query", "SELECT nothing FROM songs"]).with_code(1);
    assert!(finished.stderr.contains("nothing"), "{}", finished.stderr);
    let report = cli.load_with(&source, &["--max-errors", "1"]);
    assert_eq!((&report["records"]["staged"], &report["records"]["rejected"]), (&json!(1), &json!(1)));
}

async fn explore_refuses_what_writes(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0)]);
    let _ = cli.load(&data.path());
    let before = cli.dump().await;
    for query in [
        "DELETE FROM songplays",
        "DROP TABLE songplays",
        "INSERT INTO time SELECT * FROM time",
        "SELECT 1; DELETE FROM songplays",
        "CREATE TABLE x AS SELECT 1 AS one",
    ] {
        let finished = cli.run(&["explore", "--query", query]);
        assert!([1, 2].contains(&finished.code), "{query}: {}", finished.stderr);
    }
    assert_eq!(cli.dump().await, before);
}

/// How often a run is killed or stopped; the moments are spread evenly over the time of a whole run.
const TIMES: u32 = 8;

/// Loads the data; returns the time that it took and what there is after it.
async fn whole_load(engine: Engine, data: &DataSet) -> (Duration, Dump) {
    let cli = engine.command_line();
    let begin = Instant::now();
    let _ = cli.load(&data.path());
    (begin.elapsed(), cli.dump().await)
}

async fn a_killed_run_leaves_all_or_nothing_and_the_next_run_completes_it(engine: Engine) {
    let data = data();
    let source = data.path().display().to_string();
    let (whole, complete) = whole_load(engine, &data).await;
    let mut killed = 0;
    for attempt in 0..TIMES {
        let cli = engine.command_line();
        let _ = cli.run(&["create-tables"]).success();
        let mut child = start(&cli, &["run", "--source", &source]);
        tokio::time::sleep(whole * attempt / TIMES).await;
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let left = cli.dump().await;
        assert!(left.values().all(Vec::is_empty) || left == complete, "attempt {attempt} left a part");
        // The session of the killed run may hold its lock for a moment longer than it lives.
        let _ = cli.load_with(&data.path(), &["--wait", "60s"]);
        assert!(cli.dump().await == complete, "attempt {attempt}");
        assert_eq!(cli.batch_tables().await, [""; 0], "attempt {attempt}");
    }
    assert!(killed > TIMES / 2, "only {killed} runs were killed while they worked");
}

async fn a_run_that_is_told_to_stop_changes_nothing(engine: Engine) {
    let data = data();
    let source = data.path().display().to_string();
    let (whole, complete) = whole_load(engine, &data).await;
    let mut stopped = 0;
    for attempt in 0..TIMES {
        let cli = engine.command_line();
        let _ = cli.run(&["create-tables"]).success();
        let mut child = start(&cli, &["etl", "--source", &source]);
        tokio::time::sleep(whole * attempt / TIMES).await;
        let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let status = child.wait().unwrap();
        let left = cli.dump().await;
        if status.success() {
            assert!(left == complete, "attempt {attempt}");
        } else {
            // Without a code: the signal came before there was anything to stop.
            assert!(matches!(status.code(), Some(130) | None), "attempt {attempt}: {status}");
            stopped += 1;
            assert!(left.values().all(Vec::is_empty), "attempt {attempt} left a part");
            assert_eq!(cli.batch_tables().await, [""; 0], "attempt {attempt}");
        }
        let _ = cli.load(&data.path());
        assert!(cli.dump().await == complete, "attempt {attempt}");
    }
    assert!(stopped > TIMES / 4, "only {stopped} runs were stopped while they worked");
}

async fn runs_at_the_same_time_load_everything_once(engine: Engine) {
    let (cli, data) = (engine.command_line(), data());
    let source = data.path().display().to_string();
    let _ = cli.run(&["create-tables"]).success();
    let arguments = ["etl", "--source", &source, "--wait", "60s"];
    let mut children: Vec<_> = (0..3).map(|_| start(&cli, &arguments)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(cli.rows("SELECT COUNT(*) FROM load_runs").await, ["1"]);
    assert_eq!(cli.dump().await, whole_load(engine, &data).await.1);
}
