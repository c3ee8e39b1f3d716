//! Bulk append: every row once, or none.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use sparkify_testkit::{Numbers, OneBatch, PostgresServer};
use sparkify_warehouse::{Error, Warehouse, postgres::PostgresWarehouse};

use super::{fresh, integer, options, text};

async fn with_table() -> PostgresWarehouse {
    let warehouse = fresh().await;
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    warehouse
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_takes_every_row_once_whatever_the_connections_and_the_batch_size() {
    let database = PostgresServer::shared().create_database();
    for connections in 1..=4 {
        let mut options = options(&database.url());
        options.connections = connections;
        let warehouse = PostgresWarehouse::open(&options).await.unwrap();
        for rows in [1, 7, 2048, 5001] {
            let (drop, create) =
                ("DROP TABLE IF EXISTS t", "CREATE TABLE t (number BIGINT, name VARCHAR(64))");
            let mut load = warehouse.begin_load().await.unwrap();
            load.prepare(vec![drop.to_owned(), create.to_owned()]).await.unwrap();
            assert_eq!(load.append("t", Numbers::new(7, rows)).await.unwrap(), 7 * rows as u64);
            load.commit().await.unwrap();
            let n = 7 * rows as i64;
            assert_eq!(integer(&warehouse, "SELECT COUNT(DISTINCT number) FROM t").await, n);
            assert_eq!(integer(&warehouse, "SELECT SUM(number)::BIGINT FROM t").await, n * (n - 1) / 2);
            assert_eq!(
                integer(&warehouse, "SELECT COUNT(*) FROM t WHERE name = 'n' || number").await,
                (n + 1) / 2
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_larger_than_one_copy_takes_every_row_once() {
    let warehouse = with_table().await;
    let mut load = warehouse.begin_load().await.unwrap();
    // Some 90 MB in the binary format.
    let (batches, rows) = (60, 50_000);
    assert_eq!(load.append("t", Numbers::new(batches, rows)).await.unwrap(), (batches * rows) as u64);
    load.commit().await.unwrap();
    let n = (batches * rows) as i64;
    assert_eq!(integer(&warehouse, "SELECT SUM(number)::BIGINT FROM t").await, n * (n - 1) / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_the_server_refuses_says_why_and_appends_nothing() {
    let warehouse = with_table().await;
    let narrow = "CREATE TABLE narrow (number BIGINT, name VARCHAR(3))";
    warehouse.transact(vec![narrow.to_owned()]).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let error = load.append("narrow", Numbers::new(9, 3000)).await.unwrap_err();
    let Error::Statement { reason, sql } = &error else { panic!("{error:?}") };
    assert!(reason.contains("value too long") && reason.contains("COPY narrow"), "{reason}");
    assert!(sql.starts_with("COPY narrow"), "{sql}");
    // The session is of use still.
    assert_eq!(load.append("t", Numbers::new(1, 3)).await.unwrap(), 3);
    let nul = OneBatch::new(vec![
        ("number", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec!["a\0b"]))),
    ]);
    assert!(matches!(load.append("t", nul).await.unwrap_err(), Error::Statement { .. }));
    assert_eq!(load.query("SELECT COUNT(*) FROM narrow").await.unwrap().integer(0, 0), Some(0));
    assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(3));
    // The writers that were stopped hold nothing any more.
    load.abort(vec!["DROP TABLE narrow".to_owned(), "DROP TABLE t".to_owned()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_infinite_number_arrives_as_it_is() {
    let warehouse = fresh().await;
    warehouse.transact(vec!["CREATE TABLE odd (number DOUBLE PRECISION)".to_owned()]).await.unwrap();
    let number = Float64Array::from(vec![f64::INFINITY]);
    let mut load = warehouse.begin_load().await.unwrap();
    load.append("odd", OneBatch::new(vec![("number", Arc::new(number) as ArrayRef)])).await.unwrap();
    load.commit().await.unwrap();
    let infinite = "SELECT COUNT(*) FROM odd WHERE number = 'Infinity'";
    assert_eq!(integer(&warehouse, infinite).await, 1);
    assert_eq!(text(&warehouse, "SELECT number FROM odd").await, "inf");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_another_type_is_written_if_each_value_fits_and_refused_otherwise() {
    let warehouse = fresh().await;
    warehouse.transact(vec!["CREATE TABLE narrow (number INTEGER)".to_owned()]).await.unwrap();
    let numbers =
        |values: Vec<i64>| OneBatch::new(vec![("number", Arc::new(Int64Array::from(values)) as ArrayRef)]);
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("narrow", numbers(vec![1, i64::from(i32::MAX)])).await.unwrap(), 2);
    let error = load.append("narrow", numbers(vec![i64::from(i32::MAX) + 1])).await.unwrap_err();
    assert!(matches!(&error, Error::Source(source) if source.to_string().contains("number")), "{error:?}");
    let words = OneBatch::new(vec![("number", Arc::new(StringArray::from(vec!["1"])) as ArrayRef)]);
    let error = load.append("narrow", words).await.unwrap_err();
    assert!(matches!(&error, Error::Internal(text) if text.contains("narrow.number")), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
}
