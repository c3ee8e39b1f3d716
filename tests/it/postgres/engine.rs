//! What is PostgreSQL's own of statements, the lock of a load and interruption, and servers that go away.

use std::{sync::Arc, time::Duration};

use sparkify_testkit::{Cut, POSTGRES_USER, PostgresDatabase, PostgresServer, ServerCertificate, WireProxy};
use sparkify_warehouse::{
    Error, LockHolder, Warehouse,
    postgres::{PostgresOptions, PostgresWarehouse},
};

use super::{fresh, integer, open, options, text};

fn database() -> PostgresDatabase {
    PostgresServer::shared().create_database()
}

async fn with_table(database: &PostgresDatabase) -> PostgresWarehouse {
    let warehouse = open(database).await;
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    warehouse
}

async fn open_with(database: &PostgresDatabase, change: impl Fn(&mut PostgresOptions)) -> PostgresWarehouse {
    let mut options = options(&database.url());
    change(&mut options);
    PostgresWarehouse::open(&options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_types_of_the_server_are_shown_as_it_would() {
    let warehouse = fresh().await;
    warehouse.transact(vec!["CREATE TYPE mood AS ENUM ('sad', 'glad')".to_owned()]).await.unwrap();
    for (expression, expected) in [
        ("12.50", "12.50"),
        ("-0.000000000000000000000000000000001", "-0.000000000000000000000000000000001"),
        (
            "CAST('123456789012345678901234567890123456789012345.5' AS NUMERIC)",
            "123456789012345678901234567890123456789012345.5",
        ),
        ("CAST('NaN' AS NUMERIC)", "NaN"),
        ("SUM(CAST(3 AS BIGINT))", "3"),
        ("'text'", "text"),
        ("CAST('padded' AS CHAR(8))", "padded  "),
        ("CAST('name' AS NAME)", "name"),
        ("CAST('x' AS \"char\")", "x"),
        ("TIMESTAMPTZ '2018-11-30 01:02:03+02'", "2018-11-29T23:02:03Z"),
        ("CAST('{\"a\": 1}' AS JSONB)", "{\"a\": 1}"),
        ("CAST('01234567-89ab-cdef-0123-456789abcdef' AS UUID)", "01234567-89ab-cdef-0123-456789abcdef"),
        ("CAST('glad' AS mood)", "glad"),
        ("CAST(4294967295 AS OID)", "4294967295"),
    ] {
        let records = warehouse.query(&format!("SELECT {expression} AS x")).await.unwrap();
        assert_eq!(records.text(0, 0).as_deref(), Some(expected), "{expression}");
        let records = warehouse.query(&format!("SELECT NULLIF({expression}, {expression}) AS x")).await;
        if let Ok(records) = records {
            assert_eq!((records.row_count(), records.text(0, 0)), (1, None), "{expression}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_arrow_has_not_are_shown_as_psql_shows_them() {
    let database = database();
    let writer = open(&database).await;
    let reader = PostgresWarehouse::open(&options(&database.url()).read_only()).await.unwrap();
    for (expression, expected) in [
        ("ARRAY['free', 'paid, at times', NULL]", "{free,\"paid, at times\",NULL}"),
        ("ARRAY[[1, 2], [3, 4]]", "{{1,2},{3,4}}"),
        ("INTERVAL '1 year 2 months -1 day 19:00:33.5'", "1 year 2 mons -1 days +19:00:33.5"),
        ("TIME '12:30:00.25'", "12:30:00.25"),
        ("TIME '24:00:00'", "24:00:00"),
        ("TIMETZ '12:30:00+02'", "12:30:00+02"),
        ("B'101'", "101"),
        ("CAST('\\x61aa' AS BYTEA)", "\\x61aa"),
        ("ROW(1, 'a b', NULL)", "(1,\"a b\",)"),
        ("INT4RANGE(1, 3)", "[1,3)"),
        ("INET '10.0.0.1/24'", "10.0.0.1/24"),
        ("POINT(1, 2)", "(1,2)"),
        ("DATE 'infinity'", "infinity"),
        ("DATE '-infinity'", "-infinity"),
        ("TIMESTAMP '-infinity'", "-infinity"),
        ("TIMESTAMPTZ 'infinity'", "infinity"),
        ("TIMESTAMP '290309-12-22'", "+290309-12-22T00:00:00"),
        ("DATE '0044-03-15 BC'", "-0043-03-15"),
        ("CAST('Infinity' AS DOUBLE PRECISION)", "inf"),
    ] {
        for warehouse in [&writer, &reader] {
            for more in ["", ", INTERVAL '1 day' AS text_of_all"] {
                let sql = format!("SELECT {expression} AS x, 12.50 AS exact, TRUE AS truth{more}");
                let records = warehouse.query(&sql).await.unwrap();
                assert_eq!(records.text(0, 0).as_deref(), Some(expected), "{sql}");
                let others = (records.text(0, 1), records.text(0, 2));
                assert_eq!(others, (Some("12.50".to_owned()), Some("true".to_owned())), "{sql}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_in_utc_under_its_name_and_with_the_settings_asked_for() {
    let warehouse = open_with(&database(), |options| {
        options.session_options = Some("-c search_path=pg_catalog -c TimeZone=Asia/Tokyo".to_owned());
    })
    .await;
    for (setting, expected) in
        [("TimeZone", "UTC"), ("application_name", "sparkify-cli"), ("search_path", "pg_catalog")]
    {
        assert_eq!(text(&warehouse, &format!("SELECT current_setting('{setting}')")).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_notices_a_dead_client_by_the_settings_of_the_session() {
    let warehouse = fresh().await;
    for (setting, expected) in
        [("tcp_keepalives_idle", "60"), ("tcp_keepalives_interval", "15"), ("tcp_keepalives_count", "4")]
    {
        assert_eq!(text(&warehouse, &format!("SELECT current_setting('{setting}')")).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_which_no_connection_comes_free_says_so_instead_of_waiting_for_ever() {
    let database = database();
    let warehouse = Arc::new(
        open_with(&database, |options| options.server.connection_wait = Duration::from_millis(300)).await,
    );
    // Two that write, the load's own, and one beside it.
    let sleeping: Vec<_> = (0..4)
        .map(|_| {
            let warehouse = Arc::clone(&warehouse);
            tokio::spawn(async move { warehouse.query("SELECT pg_sleep(60)").await })
        })
        .collect();
    let observer = PostgresServer::shared().connect("postgres").await;
    let running = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%sleep(60)' AND state = 'active'";
    while observer.query_one(running, &[&database.name]).await.unwrap().get::<_, i64>(0) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let error = warehouse.query("SELECT 1").await.unwrap_err();
    assert!(matches!(error, Error::NoFreeConnection { connections: 4, .. }), "{error:?}");
    assert!(error.to_string().contains("0.3 s") && !error.is_retryable(), "{error}");
    assert!(error.hint().unwrap().contains("fewer queries"));
    warehouse.interrupt();
    for query in sleeping {
        assert!(matches!(query.await.unwrap(), Err(Error::Interrupted)));
    }
    assert_eq!(integer(warehouse.as_ref(), "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_says_that_it_may_have_taken_place() {
    let database = database();
    let warehouse = with_table(&database).await;
    let proxy = WireProxy::start(PostgresServer::shared());
    let through = PostgresWarehouse::open(&options(&proxy.url(&database))).await.unwrap();
    let insert = || vec!["INSERT INTO t VALUES (1, 'a')".to_owned()];
    proxy.begin(None);
    through.transact(insert()).await.unwrap();
    let commit = proxy.statements().iter().position(|sql| sql == "COMMIT").unwrap();
    for (cut, rows) in [(Cut::Before(commit), 1), (Cut::After(commit), 2)] {
        proxy.begin(Some(cut));
        let error = through.transact(insert()).await.unwrap_err();
        assert!(proxy.was_cut());
        assert!(
            matches!(&error, Error::ConnectionLost { reason, .. } if reason.contains("not known")),
            "{error:?}"
        );
        assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, rows, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_may_have_taken_place_also_if_it_was_interrupted() {
    let database = database();
    let warehouse = with_table(&database).await;
    let proxy = WireProxy::start(PostgresServer::shared());
    let through = Arc::new(PostgresWarehouse::open(&options(&proxy.url(&database))).await.unwrap());
    let insert = async || {
        let mut load = through.begin_load().await.unwrap();
        load.publish().await.unwrap();
        load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
        load
    };
    proxy.begin(None);
    insert().await.commit().await.unwrap();
    let commit = proxy.statements().iter().position(|sql| sql == "COMMIT").unwrap();
    proxy.begin(Some(Cut::AfterCancel(commit)));
    let committing = tokio::spawn(insert().await.commit());
    while proxy.statements().len() <= commit {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    through.interrupt();
    let error = committing.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::ConnectionLost { reason, .. } if reason.contains("not known")),
        "{error:?}"
    );
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_in_one_text_are_refused() {
    let two = fresh().await.query("SELECT 1; SELECT 2").await.unwrap_err();
    assert!(matches!(two, Error::Statement { .. }), "{two:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_beside_one_of_another_process_says_who_holds_the_lock_or_waits() {
    let database = database();
    let first =
        open_with(&database, |options| options.server.application_name = "the other one".to_owned()).await;
    let impatient = open(&database).await;
    let patient = open_with(&database, |options| options.wait = Duration::from_secs(30)).await;
    let mut load = first.begin_load().await.unwrap();
    let pid = load.query("SELECT pg_backend_pid()").await.unwrap().integer(0, 0).unwrap();

    let holder =
        Some(LockHolder { pid: u32::try_from(pid).unwrap(), program: Some("the other one".to_owned()) });
    for error in
        [impatient.begin_load().await.err().unwrap(), impatient.transact(Vec::new()).await.unwrap_err()]
    {
        assert!(matches!(&error, Error::LoadUnderWay { holder: found, .. } if *found == holder), "{error:?}");
        assert!(error.to_string().contains("the other one") && error.hint().unwrap().contains("--wait"));
    }
    // Queries go on.
    assert_eq!(integer(&impatient, "SELECT 1").await, 1);

    let waiting = tokio::spawn(async move { patient.begin_load().await.unwrap().abort(Vec::new()).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    load.commit().await.unwrap();
    waiting.await.unwrap().unwrap();
    impatient.begin_load().await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schemas_of_a_database_are_loaded_side_by_side() {
    let database = database();
    let first = open(&database).await;
    first.transact(vec!["CREATE SCHEMA other".to_owned()]).await.unwrap();
    let other =
        open_with(&database, |options| options.session_options = Some("-c search_path=other".to_owned()))
            .await;
    let load = first.begin_load().await.unwrap();
    other.begin_load().await.unwrap().commit().await.unwrap();
    load.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_nobody_waits_for_any_more_is_ended() {
    let warehouse = fresh().await;
    let query = warehouse.query("SELECT pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(300), query).await.is_err());
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), load.execute("SELECT pg_sleep(60)")).await.is_err()
    );
    drop(load);
    let running = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%sleep(60)' \
                   AND state <> 'idle' AND pid <> pg_backend_pid()";
    for _ in 0..100 {
        if integer(&warehouse, running).await == 0 {
            warehouse.begin_load().await.unwrap().commit().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it runs still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_told_from_an_interrupted_one() {
    let warehouse =
        open_with(&database(), |options| options.server.statement_timeout = Some(Duration::from_millis(200)))
            .await;
    let error = warehouse.query("SELECT pg_sleep(60)").await.unwrap_err();
    assert!(matches!(error, Error::StatementTimeout { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("statement_timeout"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_privilege_is_told_so() {
    let (server, database) = (PostgresServer::shared(), database());
    server.execute(&database.name, "CREATE TABLE secret (number BIGINT)");
    let warehouse = open(&database).await;
    let error = warehouse.query("SELECT * FROM secret").await.unwrap_err();
    assert!(matches!(&error, Error::NoPrivilege { reason, .. } if reason.contains("secret")), "{error:?}");
    server.execute(&database.name, &format!("ALTER DATABASE {} OWNER TO postgres", database.name));
    let error = warehouse.transact(vec!["CREATE TABLE t (number BIGINT)".to_owned()]).await.unwrap_err();
    assert!(matches!(error, Error::NoPrivilege { .. }), "{error:?}");
    // A transaction that failed holds nothing.
    assert!(matches!(warehouse.transact(Vec::new()).await, Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_connection_refuses_writes_of_any_kind() {
    let database = database();
    let writable = with_table(&database).await;
    let reader = PostgresWarehouse::open(&options(&database.url()).read_only()).await.unwrap();
    for sql in [
        "INSERT INTO t VALUES (1, 'a')",
        "INSERT INTO t VALUES (1, 'a') RETURNING number",
        "WITH w AS (INSERT INTO t VALUES (1, 'a') RETURNING number) SELECT * FROM w",
        "EXPLAIN ANALYZE INSERT INTO t VALUES (1, 'a')",
        "CREATE TABLE u (number BIGINT)",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SET TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "COMMIT",
        "COPY t TO '/tmp/out.csv'",
        "COPY t TO STDOUT",
        "DO $$ BEGIN INSERT INTO t VALUES (1, 'a'); END $$",
        "SELECT 1; INSERT INTO t VALUES (1, 'a')",
    ] {
        assert!(reader.query(sql).await.is_err(), "{sql}");
    }
    let lasting = "SELECT set_config('default_transaction_read_only', 'off', false)";
    reader.query(lasting).await.unwrap();
    assert!(matches!(
        reader.query("INSERT INTO t VALUES (1, 'a') RETURNING number").await,
        Err(Error::ReadOnly)
    ));
    assert_eq!(text(&reader, "SELECT current_setting('default_transaction_read_only')").await, "on");
    assert!(reader.query("EXPLAIN SELECT * FROM t").await.unwrap().row_count() > 0);
    assert_eq!(integer(&writable, "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_ended_by_the_server_fails_the_load_and_the_next_one_works() {
    let database = database();
    let warehouse = with_table(&database).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    let pid = load.query("SELECT pg_backend_pid()").await.unwrap().integer(0, 0).unwrap();
    PostgresServer::shared().execute("postgres", &format!("SELECT pg_terminate_backend({pid})"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = load.execute("INSERT INTO t VALUES (2, 'b')").await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. } | Error::ServerShutdown { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("run again"));
    let _ = load.abort(Vec::new()).await;
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 0);
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_used_again() {
    let server = PostgresServer::start(ServerCertificate::Valid);
    let warehouse = Arc::new(with_table(&server.create_database()).await);
    let sleeping = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { warehouse.query("SELECT pg_sleep(60)").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.stop();
    let error = sleeping.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ServerShutdown { .. } | Error::ConnectionLost { .. }), "{error:?}");
    let error = warehouse.query("SELECT 1").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    server.start_again();
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
    assert_eq!(text(warehouse.as_ref(), "SELECT current_user").await, POSTGRES_USER);
    let directory = server.socket_directory().to_owned();
    drop(server);
    assert!(!directory.exists(), "it leaves nothing behind");
}
