//! What a server can do to a load: its disk gets full, it is restarted, it takes too long, another session
//! is in the way, a privilege or the whole database is gone. Each has its error, and nothing is half done.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use sparkify_etl::{Error, Retries, RunReport};
use sparkify_testkit::{DataSet, Event, PostgresDatabase, PostgresServer, ServerCertificate, dump_of};
use sparkify_warehouse::{
    Error as EngineError,
    postgres::{PostgresOptions, PostgresWarehouse},
};

use super::options;
use crate::local_loads::{TwoLoads, engine_error, load_again, prepared_duckdb};

/// The server of these tests, so that the other tests do not see what is done to it.
fn server() -> &'static PostgresServer {
    static SERVER: LazyLock<PostgresServer> =
        LazyLock::new(|| PostgresServer::start(ServerCertificate::Valid));
    &SERVER
}

fn often(count: u32) -> Retries {
    Retries { count, first_pause: Duration::from_millis(100) }
}

/// A database with a load in it, and data for a second one that changes rows of all tables.
struct Scene {
    database: PostgresDatabase,
    warehouse: Arc<PostgresWarehouse>,
    loads: TwoLoads,
}

impl Scene {
    async fn new(database: PostgresDatabase, change: impl Fn(&mut PostgresOptions)) -> Self {
        let mut options = options(&database.url());
        change(&mut options);
        let warehouse = PostgresWarehouse::open(&options).await.unwrap();
        let loads = TwoLoads::begin(&warehouse).await;
        Self { database, warehouse: Arc::new(warehouse), loads }
    }

    async fn load(&self, retries: Retries) -> Result<RunReport, Error> {
        load_again(self.warehouse.as_ref(), &self.loads.data.path(), retries).await
    }

    fn start_load(&self, retries: Retries) -> tokio::task::JoinHandle<Result<RunReport, Error>> {
        let (warehouse, data) = (Arc::clone(&self.warehouse), Arc::clone(&self.loads.data));
        tokio::spawn(async move { load_again(warehouse.as_ref(), &data.path(), retries).await })
    }

    /// Waits until that many sessions wait for a lock.
    async fn until_waiting(&self, sessions: i64) {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
        let observer = server().connect("postgres").await;
        for _ in 0..1000 {
            let waiting: i64 = observer.query_one(sql, &[&self.database.name]).await.unwrap().get(0);
            if waiting == sessions {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing waits for a lock");
    }

    async fn assert_unchanged(&self) {
        assert_eq!(dump_of(self.warehouse.as_ref()).await, self.loads.before);
    }

    /// Nothing keeps the next load from doing its work.
    async fn assert_repeatable(&self) {
        self.assert_unchanged().await;
        self.load(Retries::none()).await.unwrap();
        assert_eq!(dump_of(self.warehouse.as_ref()).await, self.loads.after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_gets_full_at_any_time_fails_the_load_and_more_room_makes_it_good() {
    let server = PostgresServer::start_with_disk(160);
    let scene = Scene::new(server.create_database_on_disk(), |_| {}).await;
    let mut chance = 1_u64;
    let mut text = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{chance:x}").repeat(4)
    };
    let plays =
        (0..20_000).map(|n| Event::play(100 + n / 50, n % 50).user(n % 500).song(&text()).artist(&text()));
    scene.loads.data.write_events("many.json", &plays.collect::<Vec<_>>());
    let expected = {
        let (duckdb, data) = (prepared_duckdb().await, DataSet::new());
        for names in [&["log_data/1", "song_data/1"][..], &["log_data/2", "song_data/2", "log_data/many"]] {
            names.iter().for_each(|name| data.copy_from(&scene.loads.data.path(), &format!("{name}.json")));
            load_again(&duckdb, &data.path(), Retries::none()).await.unwrap();
        }
        dump_of(&duckdb).await
    };

    let mut failed = BTreeSet::new();
    for room in [1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 24, 30, 60] {
        server.leave_room_on_disk(&scene.database, room);
        // Another attempt is no help.
        match scene.load(often(3)).await {
            Ok(_) => break,
            Err(error) => {
                let hint = error.hint().unwrap();
                let Error::Warehouse { action, source } = error else { panic!("{error:?}") };
                assert!(matches!(&source, EngineError::ServerDiskFull { .. }), "{room} MB: {source:?}");
                assert!(hint.contains("free some space on the server"), "{hint}");
                failed.insert(action);
            }
        }
        scene.assert_unchanged().await;
    }
    assert!(failed.len() > 2, "the disk was full only while {failed:?}");
    assert!(dump_of(scene.warehouse.as_ref()).await == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_fails_the_load_at_once() {
    let scene = Scene::new(server().create_database(), |options| {
        options.server.statement_timeout = Some(Duration::from_millis(600));
    })
    .await;
    let other = server().connect(&scene.database.name).await;
    other.batch_execute("BEGIN; LOCK TABLE songplays IN SHARE MODE").await.unwrap();
    let (error, hint) = engine_error(scene.load(often(9)).await);
    assert!(matches!(error, EngineError::StatementTimeout { .. }), "{error:?}");
    assert!(hint.contains("statement_timeout"), "{hint}");
    drop(other);
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_in_the_time_that_a_setting_allows_fails_the_load_at_once() {
    let scene = Scene::new(server().create_database(), |options| {
        options.session_options = Some("-c lock_timeout=200ms".to_owned());
    })
    .await;
    let other = server().connect(&scene.database.name).await;
    other.batch_execute("BEGIN; LOCK TABLE songplays IN SHARE MODE").await.unwrap();
    let (error, hint) = engine_error(scene.load(often(9)).await);
    assert!(matches!(error, EngineError::LockTimeout { .. }) && !error.is_retryable(), "{error:?}");
    assert!(hint.contains("lock_timeout") && hint.contains("pg_locks"), "{hint}");
    drop(other);
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_loses_a_deadlock_begins_anew() {
    let database = server().create_database();
    // The one who waits longest without having looked for a deadlock loses.
    server().execute("postgres", &format!("ALTER DATABASE {} SET deadlock_timeout = '1s'", database.name));
    let scene = Scene::new(database, |_| {}).await;
    let other = server().connect(&scene.database.name).await;
    other
        .batch_execute("SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE songplays IN SHARE MODE")
        .await
        .unwrap();
    let running = scene.start_load(often(3));
    scene.until_waiting(1).await;
    // The load has changed rows of this table, and waits for the other.
    other.batch_execute("LOCK TABLE users IN SHARE MODE; COMMIT").await.unwrap();
    assert_eq!(running.await.unwrap().unwrap().attempts, 2);
    assert_eq!(dump_of(scene.warehouse.as_ref()).await, scene.loads.after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_makes_the_load_begin_anew() {
    let database = server().create_database();
    let isolation = "default_transaction_isolation = 'repeatable read'";
    server().execute("postgres", &format!("ALTER DATABASE {} SET {isolation}", database.name));
    let scene = Scene::new(database, |_| {}).await;
    for (retries, attempts) in [(0, 1), (3, 2)] {
        let other = server().connect(&scene.database.name).await;
        other.batch_execute("BEGIN; UPDATE users SET first_name = first_name").await.unwrap();
        let running = scene.start_load(often(retries));
        scene.until_waiting(1).await;
        other.batch_execute("COMMIT").await.unwrap();
        let result = running.await.unwrap();
        if retries == 0 {
            let (error, _) = engine_error(result);
            assert!(
                matches!(&error, EngineError::Conflict { reason, .. } if reason.contains("serialize")),
                "{error:?}"
            );
            scene.assert_unchanged().await;
        } else {
            assert_eq!(result.unwrap().attempts, attempts);
            assert_eq!(dump_of(scene.warehouse.as_ref()).await, scene.loads.after);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_in_the_middle_of_a_load_fails_it_or_is_waited_for() {
    // Not the other tests' server.
    let server = PostgresServer::start(ServerCertificate::Valid);
    let scene = Scene::new(server.create_database(), |_| {}).await;
    for retries in [0, 6] {
        let other = server.connect(&scene.database.name).await;
        other.batch_execute("BEGIN; LOCK TABLE songplays IN SHARE MODE").await.unwrap();
        let running = scene.start_load(often(retries));
        // Until it waits for the lock.
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        while other.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start_again();
        let result = running.await.unwrap();
        if retries == 0 {
            let (error, hint) = engine_error(result);
            assert!(
                matches!(error, EngineError::ServerShutdown { .. } | EngineError::ConnectionLost { .. }),
                "{error:?}"
            );
            assert!(hint.contains("run again"), "{hint}");
            scene.assert_unchanged().await;
        } else {
            assert!(result.unwrap().attempts > 1);
            assert_eq!(dump_of(scene.warehouse.as_ref()).await, scene.loads.after);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_dropped_in_the_middle_of_a_load_is_told_after_another_attempt() {
    let scene = Scene::new(server().create_database(), |_| {}).await;
    let other = server().connect(&scene.database.name).await;
    other.batch_execute("BEGIN; LOCK TABLE songplays IN SHARE MODE").await.unwrap();
    let running = scene.start_load(often(3));
    scene.until_waiting(1).await;
    server().execute("postgres", &format!("DROP DATABASE {} WITH (FORCE)", scene.database.name));
    let error = running.await.unwrap().unwrap_err();
    let Error::GaveUp { attempts: 2, source } = &error else { panic!("{error:?}") };
    let Error::Warehouse { source, .. } = source.as_ref() else { panic!("{error:?}") };
    assert!(matches!(source, EngineError::NoDatabase { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("create it first"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_fails_the_load_at_once_wherever_it_is_needed() {
    let scene = Scene::new(server().create_database(), |_| {}).await;
    let name = &scene.database.name;
    let owner = sparkify_testkit::POSTGRES_USER;
    for (take, give) in [
        (format!("REVOKE INSERT ON songplays FROM {owner}"), format!("GRANT INSERT ON songplays TO {owner}")),
        (
            format!("REVOKE SELECT ON loaded_files FROM {owner}"),
            format!("GRANT SELECT ON loaded_files TO {owner}"),
        ),
        (format!("REVOKE UPDATE ON artists FROM {owner}"), format!("GRANT UPDATE ON artists TO {owner}")),
        (
            format!("ALTER DATABASE {name} OWNER TO postgres"),
            format!("ALTER DATABASE {name} OWNER TO {owner}"),
        ),
    ] {
        server().execute(name, &take);
        let (error, hint) = engine_error(scene.load(often(9)).await);
        assert!(matches!(error, EngineError::NoPrivilege { .. }), "{take}: {error:?}");
        assert!(hint.contains("GRANT"), "{hint}");
        server().execute(name, &give);
        scene.assert_unchanged().await;
    }
    scene.assert_repeatable().await;
}
