//! Sessions: the protocol, transactions, cancelling, faults.

use std::time::{Duration, Instant};

use sparkify_testkit::redshift::{Action, Fault, Message, Outcome, ServerError};

use crate::{connect, double, failure, rows, run, tls};

#[tokio::test]
async fn a_client_that_prepares_a_statement_is_dropped() {
    let double = double().await;
    let client = connect(&double).await;
    let error = client.query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_closed() || error.as_db_error().is_none(), "{error:?}");
    assert!(client.is_closed());
    assert!(double.received().iter().any(|received| received.message == Message::Extended('P')));
    assert!(double.statements().is_empty());
}

#[tokio::test]
async fn several_statements_in_one_text_are_one_transaction() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT)").await;
    failure(&client, "INSERT INTO t SELECT 1; INSERT INTO missing SELECT 1").await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["0"]);
    run(&client, "INSERT INTO t SELECT 1; INSERT INTO t SELECT 2").await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["2"]);
    assert_eq!(failure(&client, "SELECT 1; VACUUM t").await.0, "25001");
    run(&client, "BEGIN; DELETE FROM t; ROLLBACK; INSERT INTO t SELECT 3").await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["3"]);
    let [.., last] = &double.statements()[..] else { panic!() };
    assert_eq!((last.sql(), &last.outcome), (Some("SELECT COUNT(*) FROM t"), &Outcome::Done));
}

#[tokio::test]
async fn truncate_commits_the_open_transaction() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT); CREATE TABLE u (a INT); INSERT INTO t SELECT 1").await;
    run(&client, "BEGIN").await;
    run(&client, "INSERT INTO u SELECT 1").await;
    run(&client, "TRUNCATE t").await;
    run(&client, "ROLLBACK").await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["0"]);
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM u").await, ["1"]);
}

#[tokio::test]
async fn a_refused_statement_ends_the_transaction_like_any_error() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "BEGIN").await;
    assert_eq!(failure(&client, "SAVEPOINT a").await.0, "0A000");
    assert_eq!(failure(&client, "SELECT 1").await.0, "25P02");
    run(&client, "ROLLBACK").await;
    run(&client, "SELECT 1").await;
    let refused = double.statements().into_iter().find(|s| s.sql() == Some("SAVEPOINT a")).unwrap();
    assert!(matches!(refused.outcome, Outcome::Refused(_)));
}

#[tokio::test]
async fn vacuum_is_refused_in_a_transaction() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT)").await;
    run(&client, "VACUUM t").await;
    run(&client, "BEGIN").await;
    run(&client, "ANALYZE t").await;
    assert_eq!(failure(&client, "VACUUM t").await.0, "25001");
}

#[tokio::test]
async fn transactions_that_get_in_each_others_way_fail_with_1023() {
    let double = double().await;
    let (one, other) = (connect(&double).await, connect(&double).await);
    run(&one, "CREATE TABLE t (a INT)").await;
    run(&one, "INSERT INTO t SELECT 1").await;
    for client in [&one, &other] {
        run(client, "BEGIN").await;
        rows(client, "SELECT * FROM t").await;
    }
    run(&one, "UPDATE t SET a = 2").await;
    run(&one, "COMMIT").await;
    let (_, message) = failure(&other, "UPDATE t SET a = 3").await;
    assert!(message.contains("1023") && message.contains("Serializable isolation violation"), "{message}");
    run(&other, "ROLLBACK").await;
    let error = Fault::before_any("commit", Action::SerializationViolation);
    double.inject(error);
    run(&other, "BEGIN").await;
    run(&other, "DELETE FROM t").await;
    assert!(failure(&other, "COMMIT").await.1.contains("1023"));
    run(&other, "ROLLBACK").await;
    assert_eq!(rows(&other, "SELECT a FROM t").await, ["2"]);
}

#[tokio::test]
async fn a_lock_makes_others_wait_and_the_statement_timeout_ends_the_wait() {
    let double = double().await;
    let (one, other) = (connect(&double).await, connect(&double).await);
    run(&one, "CREATE TABLE etl_lock (a INT)").await;
    run(&one, "LOCK etl_lock").await;
    run(&one, "BEGIN").await;
    run(&one, "LOCK TABLE etl_lock").await;
    run(&other, "SET statement_timeout TO 200").await;
    run(&other, "BEGIN").await;
    let (code, message) = failure(&other, "LOCK etl_lock").await;
    assert_eq!(code, "57014");
    assert!(message.contains("cancelled on user's request"), "{message}");
    run(&other, "ROLLBACK").await;
    let sql = "SELECT COUNT(*) FROM svv_transactions WHERE lock_mode = 'AccessExclusiveLock' AND granted";
    assert_eq!(rows(&other, sql).await, ["1"]);
    drop(one);
    run(&other, "SET statement_timeout TO 10000").await;
    run(&other, "BEGIN").await;
    run(&other, "LOCK etl_lock").await;
}

#[tokio::test]
async fn a_statement_is_cancelled_by_request_and_by_another_session() {
    let double = double().await;
    let (one, other) = (connect(&double).await, connect(&double).await);
    let pid = rows(&one, "SELECT pg_backend_pid()").await.remove(0);
    let delay = || Fault::containing("cancel me", Action::Delay(Duration::from_secs(60)));
    let started = Instant::now();

    double.inject(delay());
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sql = format!(
            "SELECT BTRIM(status) FROM sys_query_history WHERE session_id = {pid} ORDER BY query_id DESC"
        );
        assert_eq!(rows(&other, &sql).await[0], "running");
        one.cancel_token().cancel_query(tls(&double.authority())).await.unwrap();
    };
    let (error, ()) = tokio::join!(failure(&one, "SELECT 'cancel me'"), cancelling);
    assert_eq!(error.0, "57014");

    double.inject(delay());
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(rows(&other, &format!("SELECT pg_cancel_backend({pid})")).await, ["1"]);
    };
    let (error, ()) = tokio::join!(failure(&one, "SELECT 'cancel me'"), cancelling);
    assert!(error.1.starts_with("Query (") && error.1.ends_with("cancelled on user's request"), "{error:?}");
    let sql = format!(
        "SELECT BTRIM(status) FROM sys_query_history WHERE session_id = {pid} ORDER BY query_id DESC"
    );
    assert_eq!(rows(&other, &sql).await[0], "canceled");
    assert_eq!(rows(&one, "SELECT 1").await, ["1"]);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_connection_can_be_cut_before_and_after_a_statement() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT)").await;
    double.inject(Fault::at(1, Action::CloseBefore));
    assert_eq!(failure(&client, "INSERT INTO t SELECT 1").await.0, "closed");
    let client = connect(&double).await;
    double.inject(Fault::before_any("insert", Action::CloseAfter));
    assert_eq!(failure(&client, "INSERT INTO t SELECT 2").await.0, "closed");
    let client = connect(&double).await;
    double.inject(Fault::at(1, Action::FailAfter(ServerError::new("XX000", "no luck"))));
    assert_eq!(failure(&client, "INSERT INTO t SELECT 3").await, ("XX000".to_owned(), "no luck".to_owned()));
    assert_eq!(rows(&client, "SELECT a FROM t ORDER BY a").await, ["2", "3"]);
}

#[tokio::test]
async fn a_killed_server_breaks_every_connection_and_comes_back_on_its_port() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT)").await;
    run(&client, "BEGIN").await;
    run(&client, "INSERT INTO t SELECT 1").await;
    double.stop();
    assert_eq!(failure(&client, "COMMIT").await.0, "closed");
    assert!(crate::connect_as(&double, "loader", "x").await.is_err());
    double.start_again();
    let client = connect(&double).await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["0"]);
    assert_eq!(double.session_count(), 1);
}
