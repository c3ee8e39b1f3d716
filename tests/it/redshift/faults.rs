//! Loads that are stopped, cut off, killed, or in each other's way.

use std::{
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sparkify_etl::{Cancel, Error, LoadOptions, Retries, RunReport};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{
    DataSet, Event, Song, dump_of,
    redshift::{Action, Fault, When},
};
use sparkify_warehouse::{Warehouse, redshift::RedshiftWarehouse};

use super::{Stand, command, integer};
use crate::{
    cli,
    local_loads::{expectation, load_with},
};

async fn load(
    warehouse: &dyn Warehouse,
    data: &Path,
    retries: u32,
    cancel: &Cancel,
) -> Result<RunReport, Error> {
    let retries = Retries { count: retries, ..Retries::default() };
    load_with(warehouse, data, &LoadOptions { retries, ..LoadOptions::default() }, cancel).await
}

fn data() -> DataSet {
    let data = DataSet::new();
    for file in 0..3 {
        let events: Vec<_> = (0..40)
            .map(|item| Event::play(file, item).user(item % 9).song(&format!("Song {}", item % 6)))
            .collect();
        data.write_events(&format!("{file}.json"), &events);
        let song = Song::new(&format!("SO{file}"), &format!("AR{}", file / 2)).title(&format!("Song {file}"));
        data.write_songs(&format!("{file}.json"), &[song]);
    }
    data
}

async fn assert_sound(stand: &Stand, warehouse: &dyn Warehouse) {
    let checks = sparkify_etl::quality::check(warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    assert!(checks.iter().all(sparkify_etl::quality::CheckResult::holds), "{checks:?}");
    let left = "SELECT COUNT(*) FROM svv_columns WHERE table_name LIKE 'sparkify_run%'";
    assert_eq!(integer(warehouse, left).await, 0);
    assert_eq!(stand.staged(), Vec::<String>::new());
}

/// How many moments a load is stopped or killed at; they are spread evenly over its statements.
const MOMENTS: usize = 8;

/// At each moment, the number of the statement that is sent then (from 1), of those that a whole load sends.
async fn moments(stand: &Stand, whole_load: impl AsyncFnOnce()) -> Vec<u64> {
    let before = stand.redshift.statements().len();
    whole_load().await;
    let statements = stand.redshift.statements().len() - before;
    assert!(statements > 60, "{statements}");
    (0..MOMENTS).map(|moment| (1 + statements * moment / MOMENTS) as u64).collect()
}

/// Begins something, waits until it has sent its n-th statement, and holds that one up long enough for the
/// test to do what it wants to.
async fn begin_and_hold<T>(stand: &Stand, number: u64, begin: impl FnOnce() -> T) -> T {
    let before = stand.redshift.statements().len() as u64;
    stand.redshift.inject(Fault::at(number, Action::Delay(Duration::from_secs(2))));
    let begun = begin();
    tokio::time::timeout(Duration::from_secs(60), async {
        while (stand.redshift.statements().len() as u64) < before + number {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    begun
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_commit_got_no_answer_is_published_once() {
    let data = data();
    let expected = expectation(&data.path()).await;
    for action in [Action::CloseBefore, Action::CloseAfter] {
        let stand = Stand::new();
        let warehouse = stand.prepared().await;
        // Those before are for the name of the database and for the private tables.
        let commits = AtomicUsize::new(0);
        let last = move |sql: &str| sql == "COMMIT" && commits.fetch_add(1, Ordering::SeqCst) > 1;
        let when = When::Matches(Box::new(last));
        stand.redshift.inject(Fault::new(when, action));
        let report = load(warehouse.as_ref(), &data.path(), 2, &Cancel::default()).await.unwrap();
        assert_eq!(report.records.staged, 123);
        let after = stand.open().await;
        assert_eq!(dump_of(&after).await, expected);
        assert_eq!(integer(&after, "SELECT COUNT(*) FROM load_runs").await, 1);
        assert_sound(&stand, &after).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_stopped_while_its_commit_gets_no_answer_does_not_say_that_nothing_was_loaded() {
    let data = data();
    let (stand, cli) = (Stand::new(), cli());
    let warehouse = stand.prepared().await;
    let publishes = AtomicBool::new(false);
    let last = move |sql: &str| {
        publishes.fetch_or(sql.starts_with("INSERT INTO load_runs"), Ordering::SeqCst);
        sql == "COMMIT" && publishes.load(Ordering::SeqCst)
    };
    stand.redshift.inject(Fault::new(When::Matches(Box::new(last)), Action::CloseAfterCancel));
    let path = data.path();
    let child = super::start(&cli, &stand, &["etl", "--source", path.to_str().unwrap()]);
    let commits = || {
        let statements = stand.redshift.statements();
        let sent: Vec<_> = statements.iter().filter_map(|sent| sent.sql()).collect();
        let run = sent.iter().position(|sql| sql.starts_with("INSERT INTO load_runs"));
        run.is_some_and(|run| sent[run..].contains(&"COMMIT"))
    };
    let begin = Instant::now();
    while !commits() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not come to its COMMIT");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let finished = sparkify_testkit::Finished::from(child.wait_with_output().unwrap()).with_code(1);
    let stderr = &finished.stderr;
    assert!(stderr.contains("the commit, took place is not known"), "{stderr}");
    assert!(!stderr.contains("nothing was loaded") && stderr.contains("run again"), "{stderr}");
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM load_runs").await, 1);
    // The next run finds out.
    let again = load(warehouse.as_ref(), &data.path(), 0, &Cancel::default()).await.unwrap();
    assert_eq!(again.files.loaded, 0);
    assert_sound(&stand, warehouse.as_ref()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_loses_a_connection_during_copy_begins_anew_by_itself() {
    let data = data();
    let expected = expectation(&data.path()).await;
    for action in [Action::CloseBefore, Action::CloseAfter, Action::SerializationViolation] {
        let stand = Stand::new();
        let warehouse = stand.prepared().await;
        stand.redshift.inject(Fault::before_any("COPY sparkify_run_events", action));
        let report = load(warehouse.as_ref(), &data.path(), 2, &Cancel::default()).await.unwrap();
        assert_eq!((report.attempts, report.records.read), (2, 123));
        let after = stand.open().await;
        assert_eq!(dump_of(&after).await, expected);
        assert_sound(&stand, &after).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_stopped_at_any_time_changes_nothing_and_can_be_repeated() {
    let data = data();
    let expected = expectation(&data.path()).await;
    let stand = Stand::new();
    let warehouse = stand.prepared().await;
    let whole_load = async || {
        load(warehouse.as_ref(), &data.path(), 0, &Cancel::default()).await.unwrap();
    };
    let mut stopped = 0;
    for number in moments(&stand, whole_load).await {
        let stand = Stand::new();
        let warehouse = stand.prepared().await;
        let cancel = Cancel::default();
        let running = begin_and_hold(&stand, number, || {
            let (warehouse, path, cancel) = (Arc::clone(&warehouse), data.path(), cancel.clone());
            tokio::spawn(async move { load(warehouse.as_ref(), &path, 0, &cancel).await })
        })
        .await;
        cancel.cancel();
        warehouse.interrupt();
        let result = tokio::time::timeout(Duration::from_secs(20), running).await.unwrap().unwrap();
        if let Err(error) = result {
            stopped += 1;
            assert!(matches!(error, Error::Cancelled), "at statement {number}: {error:?}");
            assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM staging_events").await, 0);
        }
        load(warehouse.as_ref(), &data.path(), 0, &Cancel::default()).await.unwrap();
        assert_eq!(dump_of(&stand.open().await).await, expected, "stopped at statement {number}");
        assert_sound(&stand, warehouse.as_ref()).await;
    }
    // What is published already is not taken back.
    assert!(stopped > MOMENTS / 2, "only {stopped} loads were stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_time_leaves_nothing_half_done_and_its_files_are_deleted_by_the_next()
{
    let data = data();
    let expected = expectation(&data.path()).await;
    let path = data.path();
    let arguments = ["run", "--source", path.to_str().unwrap(), "--format", "json", "--wait", "60s"];
    let (stand, cli) = (Stand::new(), cli());
    let whole_load = async || {
        assert!(command(&cli, &stand, &arguments).output().unwrap().status.success());
    };
    let mut left = 0;
    for number in moments(&stand, whole_load).await {
        let (stand, cli) = (Stand::new(), self::cli());
        let mut child = begin_and_hold(&stand, number, || {
            command(&cli, &stand, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .await;
        assert!(child.try_wait().unwrap().is_none(), "ended before its statement {number}");
        child.kill().unwrap();
        child.wait().unwrap();
        left += stand.staged().len();
        let output = command(&cli, &stand, &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let after = stand.open().await;
        assert_eq!(dump_of(&after).await, expected, "killed at statement {number}");
        assert_sound(&stand, &after).await;
    }
    assert!(left > 0, "no run was killed while it had files in S3");
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_of_several_processes_at_once_load_everything_once() {
    let data = data();
    let expected = expectation(&data.path()).await;
    let stand = Stand::new();
    stand.prepared().await;
    let mut running = Vec::new();
    for _ in 0..3 {
        let mut options = stand.load_options().await;
        options.wait = Duration::from_secs(60);
        let (warehouse, path) = (RedshiftWarehouse::open(&options).await.unwrap(), data.path());
        running.push(tokio::spawn(async move {
            load(&warehouse, &path, 0, &Cancel::default()).await.unwrap().records.staged
        }));
    }
    let mut staged = Vec::new();
    for task in running {
        staged.push(task.await.unwrap());
    }
    staged.sort_unstable();
    assert_eq!(staged[..2], [0, 0]);
    let after = stand.open().await;
    assert_eq!(dump_of(&after).await, expected);
    assert_eq!(integer(&after, "SELECT COUNT(*) FROM load_runs").await, 1);
}
