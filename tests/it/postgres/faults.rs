//! Loads that are stopped, cut off, or in each other's way.

use std::{path::Path, sync::Arc, time::Duration};

use sparkify_etl::{Cancel, Error, LoadOptions, Retries, RunReport, create_tables, quality};
use sparkify_eventsim::Sample;
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{Dump, PostgresDatabase, PostgresServer, dump_of};
use sparkify_warehouse::{Warehouse, postgres::PostgresWarehouse};

use super::{integer, open, options};
use crate::local_loads::{expectation, load_again, load_with};

async fn load_into(warehouse: &dyn Warehouse, data: &Path, cancel: &Cancel) -> Result<RunReport, Error> {
    let options = LoadOptions { retries: Retries::none(), ..LoadOptions::default() };
    load_with(warehouse, data, &options, cancel).await
}

/// A database with empty tables.
async fn prepared() -> (PostgresDatabase, PostgresWarehouse) {
    let database = PostgresServer::shared().create_database();
    let warehouse = open(&database).await;
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    (database, warehouse)
}

/// The sample, and what a load of it leaves.
async fn sample(directory: &Path) -> Dump {
    Sample { users: 40, days: 10, ..Sample::default() }.write(directory).unwrap();
    expectation(directory).await
}

async fn assert_sound(warehouse: &dyn Warehouse) {
    let checks = quality::check(warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    assert!(checks.iter().all(quality::CheckResult::holds), "{checks:?}");
    let left = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'sparkify_run%'";
    assert_eq!(integer(warehouse, left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_connections_are_cut_at_any_time_publishes_all_or_nothing_and_can_be_repeated() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    let expected = sample(&directory).await;
    let mut failed = 0;
    for delay in [0, 10, 20, 40, 60, 90, 130, 180, 250, 350, 500] {
        let (database, warehouse) = prepared().await;
        let warehouse = Arc::new(warehouse);
        let running = tokio::spawn({
            let (warehouse, directory) = (Arc::clone(&warehouse), directory.clone());
            async move { load_into(warehouse.as_ref(), &directory, &Cancel::default()).await }
        });
        tokio::time::sleep(Duration::from_millis(delay)).await;
        // Waits until they have ended, 10 s at most.
        let cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = ";
        PostgresServer::shared().execute("postgres", &format!("{cut}'{}'", database.name));
        let result = running.await.unwrap();
        let after = open(&database).await;
        let plays = integer(&after, "SELECT COUNT(*) FROM songplays").await;
        match result {
            Ok(_) => assert!(plays > 0),
            Err(error) => {
                failed += 1;
                assert!(matches!(&error, Error::Warehouse { .. }), "{error:?}");
            }
        }
        // What was cut off in the last moment may have been published; the ledger knows.
        let ledger = integer(&after, "SELECT COUNT(*) FROM load_runs").await;
        assert_eq!(plays > 0, ledger > 0);
        // That a connection of the pool has ended may be noticed only when it is used.
        let retries = Retries { first_pause: Duration::from_millis(1), ..Retries::default() };
        load_again(warehouse.as_ref(), &directory, retries).await.unwrap();
        assert_eq!(dump_of(&after).await, expected, "cut after {delay} ms");
        assert_sound(&after).await;
    }
    assert!(failed > 2, "the loads were too quick to be cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_stopped_at_any_time_changes_nothing_and_can_be_repeated() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    let expected = sample(&directory).await;
    let mut stopped = 0;
    for delay in [0, 10, 20, 40, 60, 90, 130, 180, 250, 350] {
        let (database, warehouse) = prepared().await;
        let warehouse = Arc::new(warehouse);
        let cancel = Cancel::default();
        let running = tokio::spawn({
            let (warehouse, directory, cancel) = (Arc::clone(&warehouse), directory.clone(), cancel.clone());
            async move { load_into(warehouse.as_ref(), &directory, &cancel).await }
        });
        tokio::time::sleep(Duration::from_millis(delay)).await;
        cancel.cancel();
        warehouse.interrupt();
        let result = tokio::time::timeout(Duration::from_secs(10), running).await.unwrap().unwrap();
        if let Err(error) = result {
            stopped += 1;
            assert!(matches!(error, Error::Cancelled), "{error:?}");
            assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM staging_events").await, 0);
        }
        load_into(warehouse.as_ref(), &directory, &Cancel::default()).await.unwrap();
        assert_eq!(dump_of(&open(&database).await).await, expected, "stopped after {delay} ms");
        assert_sound(warehouse.as_ref()).await;
    }
    assert!(stopped > 2, "the loads were too quick to be stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_of_several_processes_at_once_load_everything_once() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    let expected = sample(&directory).await;
    let (database, first) = prepared().await;
    let mut patient = options(&database.url());
    patient.wait = Duration::from_secs(60);
    let mut running = Vec::new();
    for _ in 0..3 {
        let (warehouse, directory) = (PostgresWarehouse::open(&patient).await.unwrap(), directory.clone());
        running.push(tokio::spawn(async move {
            load_into(&warehouse, &directory, &Cancel::default()).await.unwrap().records.staged
        }));
    }
    let mut staged = Vec::new();
    for task in running {
        staged.push(task.await.unwrap());
    }
    staged.sort_unstable();
    assert_eq!(staged[..2], [0, 0]);
    assert_eq!(dump_of(&first).await, expected);
    assert_eq!(integer(&first, "SELECT COUNT(*) FROM load_runs").await, 1);
}
