//! The session of a load: its two parts, what others see of it when, how it ends, who comes next.

use std::{sync::Arc, time::Duration};

use sparkify_warehouse::Error;

use super::{
    Engine,
    statements::{ENDLESS, count, fill, integer, with_table},
};

on_every_engine! {
    a_statement_returns_the_number_of_rows_it_changed,
    what_a_load_publishes_is_seen_by_itself_at_once_and_by_others_after_the_commit,
    what_a_load_published_is_gone_when_it_is_aborted_and_so_are_its_own_tables,
    what_a_load_published_is_gone_when_it_is_dropped,
    the_tables_of_a_run_are_prepared_all_or_none,
    a_failed_statement_leaves_the_load_to_be_aborted,
    a_load_with_nothing_to_do_may_commit_or_abort,
    a_second_load_waits_for_the_first,
    queries_go_on_beside_a_load,
    a_statement_of_a_load_can_be_interrupted_and_the_load_undone,
}

async fn a_statement_returns_the_number_of_rows_it_changed(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    for (sql, rows) in [
        ("INSERT INTO t VALUES (1, 'a')", 1),
        ("INSERT INTO t SELECT number + 1, name FROM t", 1),
        ("INSERT INTO t SELECT number + 2, name FROM t", 2),
        ("UPDATE t SET name = 'b' WHERE number > 2", 2),
        ("UPDATE t SET name = 'b' WHERE number > 9", 0),
        ("DELETE FROM t WHERE number = 1", 1),
        ("DELETE FROM t WHERE number = 1", 0),
        ("CREATE TABLE u (number BIGINT)", 0),
        ("INSERT INTO u SELECT number FROM t", 3),
    ] {
        assert_eq!(load.execute(sql).await.unwrap(), rows, "{sql}");
    }
    load.commit().await.unwrap();
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM u").await, 3);
}

async fn what_a_load_publishes_is_seen_by_itself_at_once_and_by_others_after_the_commit(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(1));
    assert_eq!(count(warehouse.as_ref()).await, 0);
    load.commit().await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 1);
}

async fn what_a_load_published_is_gone_when_it_is_aborted_and_so_are_its_own_tables(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.prepare(vec!["CREATE TABLE batch_x (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    load.append("batch_x", sparkify_testkit::Numbers::new(2, 10)).await.unwrap();
    load.publish().await.unwrap();
    assert_eq!(load.execute("INSERT INTO t SELECT * FROM batch_x").await.unwrap(), 20);
    load.abort(vec!["DROP TABLE IF EXISTS batch_x".to_owned()]).await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 0);
    assert!(warehouse.query("SELECT * FROM batch_x").await.is_err());
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}

async fn what_a_load_published_is_gone_when_it_is_dropped(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    drop(load);
    assert_eq!(count(warehouse.as_ref()).await, 0);
    // The next load begins without being told to wait.
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(0));
    load.commit().await.unwrap();
}

async fn the_tables_of_a_run_are_prepared_all_or_none(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let statements = ["CREATE TABLE batch_x (number BIGINT)", "CREATE TABLE t (number BIGINT)"];
    let error = load.prepare(statements.map(str::to_owned).to_vec()).await.unwrap_err();
    assert!(matches!(&error, Error::Statement { sql, .. } if sql == statements[1]), "{error:?}");
    // None of them is there, and the session is of use still.
    load.prepare(vec![statements[0].to_owned()]).await.unwrap();
    load.prepare(vec!["DROP TABLE IF EXISTS batch_x".to_owned(), "DROP TABLE IF EXISTS batch_y".to_owned()])
        .await
        .unwrap();
    load.commit().await.unwrap();
}

async fn a_failed_statement_leaves_the_load_to_be_aborted(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    let error = load.execute("INSERT INTO nowhere VALUES (1)").await.unwrap_err();
    assert!(matches!(&error, Error::Statement { sql, .. } if sql.contains("nowhere")), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 0);
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}

async fn a_load_with_nothing_to_do_may_commit_or_abort(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
    warehouse.begin_load().await.unwrap().abort(Vec::new()).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.commit().await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 0);
}

async fn a_second_load_waits_for_the_first(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut first = warehouse.begin_load().await.unwrap();
    let second = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            let mut load = warehouse.begin_load().await.unwrap();
            let seen = load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0);
            load.abort(Vec::new()).await.unwrap();
            seen
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished());
    first.publish().await.unwrap();
    first.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), Some(1));
}

async fn queries_go_on_beside_a_load(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    for _ in 0..3 {
        assert_eq!(count(warehouse.as_ref()).await, 0);
    }
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    for _ in 0..3 {
        assert_eq!(count(warehouse.as_ref()).await, 0);
    }
    load.abort(Vec::new()).await.unwrap();
}

async fn a_statement_of_a_load_can_be_interrupted_and_the_load_undone(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    fill(warehouse.as_ref()).await;
    let load = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            let mut load = warehouse.begin_load().await.unwrap();
            load.publish().await.unwrap();
            load.execute("DELETE FROM t WHERE number > 2500").await.unwrap();
            let error = load
                .execute(&format!(
                    "INSERT INTO t SELECT n, '' FROM ({}) x",
                    ENDLESS.replace("COUNT(*)", "COUNT(*) AS n")
                ))
                .await;
            load.abort(Vec::new()).await.unwrap();
            error
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let query = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { warehouse.query(ENDLESS).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!load.is_finished() && !query.is_finished());
    // It ends everything that runs.
    warehouse.interrupt();
    let result = tokio::time::timeout(Duration::from_secs(20), load).await.unwrap().unwrap();
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    let result = tokio::time::timeout(Duration::from_secs(20), query).await.unwrap().unwrap();
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    assert_eq!(count(warehouse.as_ref()).await, 3000);
    warehouse.begin_load().await.unwrap().commit().await.unwrap();
}
