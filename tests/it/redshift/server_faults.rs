//! What a server can do to a load: its disk gets full, it is restarted or stays away, it takes too long, another
//! transaction is in the way, a privilege, a connection or the whole database is not to be had. Each has its error
//! with what to do, and nothing is half done. Work beside loads is done again as loads are.

use std::{sync::Arc, time::Duration};

use sparkify_etl::{Cancel, Error, Retries, RunReport, create_tables, quality, verify_tables};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{
    POSTGRES_USER, PostgresServer, dump_of,
    redshift::{Action, Fault, ServerError},
};
use sparkify_warehouse::{
    Error as EngineError, Warehouse,
    redshift::{RedshiftOptions, RedshiftWarehouse},
};

use super::{Stand, integer, run};
use crate::{
    cli,
    local_loads::{TwoLoads, engine_error, load_again},
};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);

fn often(count: u32) -> Retries {
    Retries { count, first_pause: Duration::from_millis(100) }
}

/// A database with a load in it, and data for a second one that changes rows of all tables.
struct Scene {
    stand: Stand,
    warehouse: Arc<RedshiftWarehouse>,
    loads: TwoLoads,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl Fn(&mut RedshiftOptions)) -> Self {
        let stand = Stand::new();
        let mut options = stand.load_options().await;
        change(&mut options);
        let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
        let loads = TwoLoads::begin(&warehouse).await;
        Self { stand, warehouse: Arc::new(warehouse), loads }
    }

    async fn load(&self, retries: Retries) -> Result<RunReport, Error> {
        load_again(self.warehouse.as_ref(), &self.loads.data.path(), retries).await
    }

    /// Begins a load and lets it come as far as a statement that begins so, which then takes that long.
    async fn load_until(
        &self,
        beginning: &'static str,
        delay: Duration,
        retries: Retries,
    ) -> tokio::task::JoinHandle<Result<RunReport, Error>> {
        let seen = self.stand.redshift.statements().len();
        self.stand.redshift.inject(Fault::before_any(beginning, Action::Delay(delay)));
        let (warehouse, data) = (Arc::clone(&self.warehouse), Arc::clone(&self.loads.data));
        let running =
            tokio::spawn(async move { load_again(warehouse.as_ref(), &data.path(), retries).await });
        for _ in 0..3000 {
            let statements = self.stand.redshift.statements();
            if statements[seen..].iter().any(|sent| sent.sql().is_some_and(|sql| sql.starts_with(beginning)))
            {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the load does not come to {beginning}");
    }

    /// The tables are as they were, and nothing is left in S3.
    async fn assert_unchanged(&self) {
        assert_eq!(dump_of(&self.stand.open().await).await, self.loads.before);
        assert_eq!(self.stand.staged(), Vec::<String>::new());
    }

    async fn assert_loaded(&self) {
        let reader = self.stand.open().await;
        assert_eq!(dump_of(&reader).await, self.loads.after);
        let left = "SELECT COUNT(*) FROM svv_columns WHERE table_name LIKE 'sparkify_run%'";
        assert_eq!(integer(&reader, left).await, 0);
        assert_eq!(self.stand.staged(), Vec::<String>::new());
        self.stand.assert_only_what_redshift_takes();
    }

    /// Nothing keeps the next load from doing its work.
    async fn assert_repeatable(&self) {
        self.stand.redshift.clear_faults();
        self.load(Retries::none()).await.unwrap();
        self.assert_loaded().await;
    }
}

/// Statements all over a load: before the first, while it copies, in each part of the publication.
const PLACES: [&str; 10] = [
    "SELECT COALESCE(MAX(run_number)",
    "CREATE TABLE sparkify_run_events",
    "COPY sparkify_run_songs",
    "COPY sparkify_run_events",
    "COPY sparkify_run_loaded_files",
    "INSERT INTO staging_events",
    "UPDATE artists",
    "INSERT INTO songplays",
    "INSERT INTO loaded_files",
    "DROP TABLE IF EXISTS sparkify_run_events",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_gets_full_at_any_time_fails_the_load_at_once_and_more_room_makes_it_good() {
    let scene = Scene::new().await;
    for place in PLACES {
        let full = ServerError::new("XX000", "Disk Full").with_detail("node: 0, xid: 1, pid: 2, tbl: 3");
        scene.stand.redshift.inject(Fault::before_any(place, Action::Fail(full)));
        // Another attempt is no help.
        let (error, hint) = engine_error(scene.load(often(3)).await);
        assert!(matches!(&error, EngineError::ServerDiskFull { .. }), "{place}: {error:?}");
        assert!(hint.contains("resize the cluster"), "{hint}");
        scene.assert_unchanged().await;
    }
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_fails_the_load_at_once_wherever_it_stands() {
    let scene = Scene::with(|options| options.server.statement_timeout = Some(Duration::from_secs(2))).await;
    for place in ["COPY sparkify_run_events", "INSERT INTO songplays", "INSERT INTO loaded_files"] {
        scene.stand.redshift.inject(Fault::before_any(place, Action::Delay(HOUR)));
        let (error, hint) = engine_error(scene.load(often(9)).await);
        assert!(matches!(error, EngineError::StatementTimeout { .. }), "{place}: {error:?}");
        assert!(hint.contains("statement_timeout"), "{hint}");
        scene.assert_unchanged().await;
    }
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_fails_the_load_at_once_wherever_it_is_needed() {
    let scene = Scene::new().await;
    let database = scene.stand.redshift.postgres_database();
    for (privilege, table) in [
        ("SELECT", "loaded_files"),
        ("INSERT", "staging_songs"),
        ("UPDATE", "artists"),
        ("INSERT", "songplays"),
    ] {
        let revoke = format!("REVOKE {privilege} ON {table} FROM {POSTGRES_USER}");
        PostgresServer::shared().execute(database, &revoke);
        let (error, hint) = engine_error(scene.load(often(9)).await);
        assert!(matches!(error, EngineError::NoPrivilege { .. }), "{privilege} on {table}: {error:?}");
        assert!(hint.contains("GRANT"), "{hint}");
        let grant = format!("GRANT {privilege} ON {table} TO {POSTGRES_USER}");
        PostgresServer::shared().execute(database, &grant);
        scene.assert_unchanged().await;
    }
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_get_in_each_others_way_make_the_load_begin_anew() {
    for (place, attempts) in [("INSERT INTO songplays", 3), ("COMMIT", 3)] {
        let scene = Scene::new().await;
        scene.stand.redshift.inject(Fault::before_any(place, Action::SerializationViolation));
        let (error, hint) = engine_error(scene.load(Retries::none()).await);
        assert!(
            matches!(&error, EngineError::Conflict { reason, .. } if reason.contains("1023")),
            "{error:?}"
        );
        assert!(hint.contains("run again"), "{hint}");
        scene.assert_unchanged().await;
        scene.stand.redshift.inject(Fault::before_any(place, Action::SerializationViolation).times(2));
        assert_eq!(scene.load(often(3)).await.unwrap().attempts, attempts, "{place}");
        scene.assert_loaded().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_in_the_middle_of_a_load_fails_it_or_is_waited_for() {
    for place in ["COPY sparkify_run_events", "INSERT INTO songplays"] {
        let scene = Scene::new().await;
        for retries in [0, 6] {
            let running = scene.load_until(place, HOUR, often(retries)).await;
            scene.stand.redshift.stop();
            scene.stand.redshift.clear_faults();
            // Down for long enough that an attempt finds nobody.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let starting = ServerError::fatal("57P03", "the database system is starting up");
            scene.stand.redshift.refuse_logins(0, u32::from(retries > 0), starting);
            scene.stand.redshift.start_again();
            let result = running.await.unwrap();
            if retries == 0 {
                let (error, hint) = engine_error(result);
                assert!(
                    matches!(error, EngineError::ServerShutdown { .. } | EngineError::ConnectionLost { .. }),
                    "{place}: {error:?}"
                );
                assert!(hint.contains("run again"), "{hint}");
                scene.assert_unchanged().await;
            } else {
                assert!(result.unwrap().attempts > 1);
                scene.assert_loaded().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_is_told_after_the_last_attempt() {
    let scene = Scene::new().await;
    let running = scene.load_until("INSERT INTO songplays", HOUR, often(1)).await;
    scene.stand.redshift.stop();
    scene.stand.redshift.clear_faults();
    let error = running.await.unwrap().unwrap_err();
    let Error::GaveUp { attempts: 2, source } = &error else { panic!("{error:?}") };
    let Error::Warehouse { source, .. } = source.as_ref() else { panic!("{error:?}") };
    assert!(matches!(source, EngineError::Unreachable { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("security group"));
    scene.stand.redshift.start_again();
    scene.assert_unchanged().await;
    scene.assert_repeatable().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_more_connections_is_told_whichever_of_the_loads_it_refuses() {
    let scene = Scene::new().await;
    // The first is for the lock, then come the load's own, and those that copy.
    for after in 0..3 {
        scene.warehouse.close().await.unwrap();
        let warehouse = RedshiftWarehouse::open(&scene.stand.load_options().await).await.unwrap();
        // One is there already.
        let limit = "connection limit \"500\" exceeded for non-bootstrap users";
        scene.stand.redshift.refuse_logins(after, u32::MAX, ServerError::fatal("53300", limit));
        let (error, hint) = engine_error(load_again(&warehouse, &scene.loads.data.path(), often(9)).await);
        assert!(matches!(error, EngineError::TooManyConnections { .. }), "{after}: {error:?}");
        assert!(hint.contains("CONNECTION LIMIT") && !hint.contains("--connections"), "{hint}");
        scene.stand.redshift.refuse_logins(0, 0, ServerError::fatal("53300", limit));
        scene.assert_unchanged().await;
        if after == 2 {
            load_again(&warehouse, &scene.loads.data.path(), Retries::none()).await.unwrap();
            scene.assert_loaded().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_dropped_in_the_middle_of_a_load_is_told_after_another_attempt() {
    let scene = Scene::new().await;
    let running = scene.load_until("INSERT INTO songplays", Duration::from_secs(2), often(3)).await;
    let drop = format!("DROP DATABASE {} WITH (FORCE)", scene.stand.redshift.postgres_database());
    scene.stand.redshift.clear_faults();
    PostgresServer::shared().execute("postgres", &drop);
    let error = running.await.unwrap().unwrap_err();
    let hint = error.hint().unwrap();
    let source = match error {
        // Each session that is open still may cost one.
        Error::GaveUp { attempts: 2..=4, source } => match *source {
            Error::Warehouse { source, .. } => source,
            error => panic!("{error:?}"),
        },
        error => panic!("{error:?}"),
    };
    assert!(matches!(source, EngineError::NoDatabase { .. }), "{source:?}");
    assert!(hint.contains("CREATE DATABASE"), "{hint}");
    assert_eq!(scene.stand.staged(), Vec::<String>::new());
}

/// Does the work with each of its statements cut off in turn, before it and after it.
async fn cut_at_each_statement(what: &str, work: impl AsyncFn(&Stand, Retries) -> Result<(), Error>) {
    let stand = Stand::new();
    work(&stand, Retries::none()).await.unwrap();
    let statements = stand.redshift.statements().len();
    let mut cut = 0;
    for number in 1..=statements {
        let action = if number % 2 == 0 { Action::CloseBefore } else { Action::CloseAfter };
        let stand = Stand::new();
        stand.redshift.inject(Fault::at(number as u64, action));
        work(&stand, often(2)).await.unwrap_or_else(|error| panic!("{what}, cut at {number}: {error:?}"));
        cut += usize::from(stand.redshift.statements().len() > statements);
        stand.assert_only_what_redshift_takes();
    }
    assert!(cut > statements / 2, "{what}: {cut} of {statements}");
}

fn of_warehouse(error: &Error) -> Option<&EngineError> {
    match error {
        Error::Warehouse { source, .. } => Some(source),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_created_though_any_statement_of_it_loses_its_connection() {
    let library = SqlLibrary::embedded().unwrap();
    cut_at_each_statement("create-tables", async |stand, retries| {
        let options = stand.options();
        let open = async || {
            RedshiftWarehouse::open(&options)
                .await
                .map_err(|source| Error::Warehouse { action: "opening".into(), source })
        };
        let warehouse = retries.again(&Cancel::default(), of_warehouse, open).await?;
        let create = async || {
            create_tables(&warehouse, &library).await?;
            verify_tables(&warehouse, &library).await
        };
        retries.again(&Cancel::default(), of_warehouse, create).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_are_done_though_their_connection_is_lost() {
    let scene = Scene::new().await;
    let library = SqlLibrary::embedded().unwrap();
    for number in [1, 2, 15, 29] {
        for action in [Action::CloseBefore, Action::CloseAfter] {
            scene.stand.redshift.inject(Fault::at(number, action));
            let check = async || quality::check(scene.warehouse.as_ref(), &library).await;
            let results = often(2).again(&Cancel::default(), of_warehouse, check).await.unwrap();
            assert!(results.len() >= 29 && results.iter().all(quality::CheckResult::holds), "{results:?}");
        }
    }
    scene.assert_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_is_done_again_when_its_connection_is_lost_or_the_server_is_starting() {
    let scene = Scene::new().await;
    let (stand, cli) = (&scene.stand, cli());
    let path = scene.loads.data.path();
    let source = path.to_str().unwrap();
    let starting = || ServerError::fatal("57P03", "the database system is starting up");
    for (arguments, statement) in [
        (&["create-tables"][..], "SELECT table_name"),
        (&["check"], "SELECT ABS("),
        (&["explore", "top_songs"], "in_catalogue"),
        (&["explore", "--query", "SELECT COUNT(*) AS n FROM songplays"], "SELECT COUNT(*) AS n"),
        (&["run", "--source", source], "SELECT table_name"),
    ] {
        for cut in [false, true] {
            let sent = stand.redshift.statements().len();
            if cut {
                stand.redshift.inject(Fault::containing(statement, Action::CloseBefore));
            } else {
                stand.redshift.refuse_logins(0, 1, starting());
            }
            let finished = run(&cli, stand, arguments).success();
            assert!(
                finished.stderr.contains("the next attempt is in"),
                "{arguments:?} {cut}: {}",
                finished.stderr
            );
            assert!(stand.redshift.statements().len() > sent);
        }
        stand.redshift.clear_faults();
    }
    scene.assert_loaded().await;
    // As often as is allowed, and no more.
    stand.redshift.refuse_logins(0, u32::MAX, starting());
    let finished = run(&cli, stand, &["check", "--retries", "0"]).with_code(1);
    assert!(
        finished.stderr.contains("starting up") && finished.stderr.contains("run again"),
        "{}",
        finished.stderr
    );
    stand.redshift.refuse_logins(0, 0, starting());
}
