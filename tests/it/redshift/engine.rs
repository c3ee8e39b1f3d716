//! What is Redshift's own of statements, transactions, the lock of a load and interruption, and servers that
//! go away.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sparkify_testkit::{
    POSTGRES_USER, PostgresServer,
    redshift::{Action, Fault, Message, ServerError, When},
};
use sparkify_warehouse::{Error, Warehouse, redshift::RedshiftWarehouse};

use super::{Stand, integer, text};

async fn with_table(stand: &Stand) -> Arc<RedshiftWarehouse> {
    let warehouse = stand.prepared().await;
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    warehouse
}

/// A statement that runs for a long time.
const LONG: &str = "SELECT COUNT(*) FROM stv_slices";

#[tokio::test(flavor = "multi_thread")]
async fn padding_time_zones_and_backslashes_are_understood() {
    let stand = Stand::new();
    let warehouse = stand.open().await;
    for (expression, expected) in [
        ("CAST('padded' AS CHAR(8))", "padded"),
        ("CAST('2018-11-30 01:02:03+02' AS TIMESTAMPTZ)", "2018-11-29T23:02:03Z"),
        ("CAST('🎵 it''s a \\\\ back' AS VARCHAR(64))", "🎵 it's a \\ back"),
    ] {
        let records = warehouse.query(&format!("SELECT {expression} AS x")).await.unwrap();
        assert_eq!(records.text(0, 0).as_deref(), Some(expected), "{expression}");
        let null = format!("SELECT CASE WHEN 1 = 2 THEN {expression} END AS x");
        let records = warehouse.query(&null).await.unwrap();
        assert_eq!((records.row_count(), records.text(0, 0)), (1, None), "{expression}");
    }
    stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again_without_being_reset() {
    let stand = Stand::new();
    let warehouse = stand.open().await;
    let before = stand.redshift.received().len();
    for _ in 0..3 {
        assert_eq!(integer(&warehouse, "SELECT 7").await, 7);
    }
    let sent: Vec<_> = stand.redshift.received()[before..].to_vec();
    let statements: Vec<_> = sent.iter().filter_map(|received| received.sql()).collect();
    assert_eq!(statements, ["SELECT 7"; 3], "nothing else was sent");
    assert!(sent.iter().all(|received| received.session == sent[0].session));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_too_old_is_not_used_again() {
    let stand = Stand::new();
    let mut options = stand.options();
    options.session_age_max = Duration::from_secs(2);
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let begin = Instant::now();
    let session = async || {
        assert_eq!(integer(&warehouse, "SELECT 7").await, 7);
        stand.redshift.statements().iter().rev().find(|sent| sent.sql() == Some("SELECT 7")).unwrap().session
    };
    let first = session().await;
    let mut now = session().await;
    assert!(now == first || begin.elapsed() > Duration::from_secs(2), "it was used once only");
    while now == first {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is used still");
        tokio::time::sleep(Duration::from_millis(50)).await;
        now = session().await;
    }
    assert!(begin.elapsed() > Duration::from_millis(1500), "it was not used as long as it might have been");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_which_no_connection_comes_free_says_so_instead_of_waiting_for_ever() {
    let stand = Stand::new();
    let mut options = stand.options();
    options.server.connection_wait = Duration::from_millis(300);
    let warehouse = Arc::new(RedshiftWarehouse::open(&options).await.unwrap());
    stand.redshift.inject(Fault::before_any(LONG, Action::Delay(Duration::from_secs(60))).times(4));
    let running: Vec<_> = (0..4)
        .map(|_| {
            let warehouse = Arc::clone(&warehouse);
            tokio::spawn(async move { warehouse.query(LONG).await })
        })
        .collect();
    stand.until_sent(4, |sql| sql == LONG).await;
    let error = warehouse.query("SELECT 1").await.unwrap_err();
    assert!(matches!(error, Error::NoFreeConnection { connections: 4, .. }), "{error:?}");
    assert!(error.to_string().contains("0.3 s") && !error.is_retryable(), "{error}");
    warehouse.interrupt();
    for query in running {
        assert!(matches!(query.await.unwrap(), Err(Error::Interrupted)));
    }
    assert_eq!(integer(warehouse.as_ref(), "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_in_one_text_are_never_sent() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let before = stand.redshift.statements().len();
    let two = "INSERT INTO t SELECT 1, 'a'; INSERT INTO t SELECT 2, 'b'".to_owned();
    assert!(matches!(warehouse.query(&two).await, Err(Error::Statement { .. })));
    assert!(warehouse.transact(vec![two.clone()]).await.is_err());
    assert!(!stand.redshift.statements()[before..].iter().any(|received| received.sql() == Some(&two)));
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_tables_of_the_model_are_analysed_after_the_commit_and_no_others() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO users (id, user_id, level) SELECT 1, 1, 'free'").await.unwrap();
    load.execute("DELETE FROM songs WHERE id = 0").await.unwrap();
    load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap();
    load.commit().await.unwrap();
    let statements = stand.redshift.statements();
    let analysed: Vec<_> =
        statements.iter().filter_map(|sent| sent.sql().filter(|sql| sql.starts_with("ANALYZE"))).collect();
    assert_eq!(analysed, ["ANALYZE users PREDICATE COLUMNS"]);
    stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_beside_one_of_another_process_says_so_or_waits() {
    let stand = Stand::new();
    let first = with_table(&stand).await;
    let impatient = RedshiftWarehouse::open(&stand.options()).await.unwrap();
    let mut options = stand.options();
    options.wait = Duration::from_secs(30);
    let patient = RedshiftWarehouse::open(&options).await.unwrap();
    let load = first.begin_load().await.unwrap();
    for error in
        [impatient.begin_load().await.err().unwrap(), impatient.transact(Vec::new()).await.unwrap_err()]
    {
        assert!(matches!(&error, Error::LoadUnderWay { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("--wait"));
    }
    // Queries go on: the marts are not locked.
    assert_eq!(integer(&impatient, "SELECT COUNT(*) FROM songplays").await, 0);
    let waiting = tokio::spawn(async move { patient.begin_load().await.unwrap().abort(Vec::new()).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    load.commit().await.unwrap();
    waiting.await.unwrap().unwrap();
    impatient.begin_load().await.unwrap().commit().await.unwrap();
    stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_has_lost_its_lock_is_not_published() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap();
    let locker = stand
        .redshift
        .statements()
        .iter()
        .rev()
        .find(|sent| sent.sql().is_some_and(|sql| sql.starts_with("LOCK")))
        .unwrap()
        .session;
    let database = stand.redshift.postgres_database();
    PostgresServer::shared().execute(database, &format!("SELECT pg_terminate_backend({locker})"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = load.commit().await.unwrap_err();
    assert!(matches!(&error, Error::Conflict { .. }) && error.is_retryable(), "{error:?}");
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_lock_that_takes_too_long_or_fails_is_no_conflict_and_publishes_nothing() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let ping = sparkify_schema::statements::redshift::ping();
    for (error, is_expected) in [
        (
            ServerError::new("57014", "Query (1) cancelled on user's request"),
            (|error| matches!(error, Error::StatementTimeout { .. })) as fn(&Error) -> bool,
        ),
        (ServerError::new("53100", "Disk Full"), |error| matches!(error, Error::ServerDiskFull { .. })),
        (ServerError::new("XX000", "something else"), |error| matches!(error, Error::Statement { .. })),
    ] {
        let mut load = warehouse.begin_load().await.unwrap();
        load.publish().await.unwrap();
        load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap();
        let ping = ping.clone();
        let at = When::Matches(Box::new(move |sql: &str| sql == ping));
        stand.redshift.inject(Fault::new(at, Action::FailAfter(error)));
        let error = load.commit().await.unwrap_err();
        assert!(is_expected(&error) && !error.is_retryable(), "{error:?}");
        assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
    }
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_after_whose_beginning_another_was_published_is_refused() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let another = "INSERT INTO load_runs SELECT 'x', 1, GETDATE(), 's', 'exact', 0, 0, 0, 0, 0, 0, 'v'";
    warehouse.query(another).await.unwrap();
    let error = load.publish().await.unwrap_err();
    assert!(matches!(&error, Error::Conflict { .. }) && error.is_retryable(), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn serializable_isolation_violations_are_worth_another_attempt() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    stand.redshift.inject(Fault::before_any("INSERT INTO t", Action::SerializationViolation));
    let error = load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap_err();
    assert!(matches!(&error, Error::Conflict { .. }) && error.is_retryable(), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_says_that_it_may_have_taken_place() {
    for action in [Action::CloseBefore, Action::CloseAfter] {
        let stand = Stand::new();
        let warehouse = with_table(&stand).await;
        let mut load = warehouse.begin_load().await.unwrap();
        load.publish().await.unwrap();
        load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap();
        stand.redshift.inject(Fault::before_any("COMMIT", action.clone()));
        let error = load.commit().await.unwrap_err();
        assert!(
            matches!(&error, Error::ConnectionLost { reason, .. } if reason.contains("not known")),
            "{error:?}"
        );
        let rows = integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await;
        assert_eq!(rows, i64::from(matches!(action, Action::CloseAfter)));
        warehouse.begin_load().await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_statement_is_cancelled_on_the_server_and_the_connection_is_not_used_again() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    stand.redshift.inject(Fault::before_any(LONG, Action::Delay(Duration::from_secs(60))));
    let query = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { warehouse.query(LONG).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    warehouse.interrupt();
    let result = tokio::time::timeout(Duration::from_secs(5), query).await.unwrap().unwrap();
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    let received = stand.redshift.received();
    assert!(received.iter().any(|received| received.message == Message::Cancel));
    let session = received.iter().rev().find(|sent| sent.sql() == Some(LONG)).unwrap().session;
    let place = received.len();
    assert_eq!(integer(warehouse.as_ref(), "SELECT 1").await, 1);
    assert!(
        stand.redshift.received()[place..].iter().all(|sent| sent.sql().is_none() || sent.session != session)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_told_from_an_interrupted_one() {
    let stand = Stand::new();
    let mut options = stand.options();
    options.server.statement_timeout = Some(Duration::from_millis(300));
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let holder = stand.prepared().await;
    let load = holder.begin_load().await.unwrap();
    let error = warehouse.query("SELECT id FROM load_lock").await.unwrap_err();
    assert!(matches!(error, Error::StatementTimeout { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("statement_timeout"));
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_privilege_is_told_so() {
    let stand = Stand::new();
    stand.prepared().await;
    stand.redshift.add_stranger(PostgresServer::shared(), "stranger_of_redshift", "strange");
    let url = stand.redshift.url("stranger_of_redshift", "strange");
    let warehouse = RedshiftWarehouse::open(&super::options(&url)).await.unwrap();
    let error = warehouse.query("SELECT COUNT(*) FROM songs").await.unwrap_err();
    assert!(matches!(&error, Error::NoPrivilege { reason, .. } if reason.contains("songs")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_connection_refuses_writes_before_they_are_sent() {
    let stand = Stand::new();
    let writable = with_table(&stand).await;
    let reader = RedshiftWarehouse::open(&stand.options().read_only()).await.unwrap();
    for sql in [
        "INSERT INTO t SELECT 1, 'a'",
        "CREATE TABLE u (number BIGINT)",
        "TRUNCATE t",
        "COMMIT",
        "SET enable_result_cache_for_session TO off",
        "COPY t FROM 's3://b/k' IAM_ROLE default REGION 'us-west-2' MAXERROR 0",
        "VACUUM t",
    ] {
        let before = stand.redshift.statements().len();
        assert!(matches!(reader.query(sql).await, Err(Error::ReadOnly)), "{sql}");
        assert!(!stand.redshift.statements()[before..].iter().any(|sent| sent.sql() == Some(sql)), "{sql}");
    }
    assert!(reader.query("SELECT 1 INTO u").await.is_err());
    assert_eq!(integer(writable.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closes_fails_the_load_and_the_next_one_works() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t SELECT 1, 'a'").await.unwrap();
    stand.redshift.inject(Fault::before_any("INSERT INTO t", Action::CloseBefore));
    let error = load.execute("INSERT INTO t SELECT 2, 'b'").await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }) && error.is_retryable(), "{error:?}");
    let _ = load.abort(Vec::new()).await;
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_used_again() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    stand.redshift.stop();
    let error = warehouse.query("SELECT 1").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::ConnectionLost { .. }), "{error:?}");
    stand.redshift.start_again();
    assert_eq!(text(warehouse.as_ref(), "SELECT current_user").await, POSTGRES_USER);
}
