//! Bulk append: every row once, or none.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMillisecondArray,
};
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
async fn an_append_can_be_interrupted() {
    let warehouse = Arc::new(with_table().await);
    for publishing in [false, true] {
        let mut load = warehouse.begin_load().await.unwrap();
        if publishing {
            load.publish().await.unwrap();
        }
        let interrupter = tokio::spawn({
            let warehouse = Arc::clone(&warehouse);
            async move {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                warehouse.interrupt();
            }
        });
        let error = load.append("t", Numbers::new(usize::MAX, 10)).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted), "{error:?}");
        load.abort(Vec::new()).await.unwrap();
        interrupter.await.unwrap();
        assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_values_arrive_as_they_are() {
    let warehouse = fresh().await;
    let table = "CREATE TABLE odd (place INTEGER, words VARCHAR(1024), small INTEGER, large BIGINT, real DOUBLE PRECISION, \
                 truth BOOLEAN, moment TIMESTAMP)";
    warehouse.transact(vec![table.to_owned()]).await.unwrap();
    let words = [
        "🎵𝄞",
        "it's \"quoted\"",
        "back\\slash \\N \\.",
        "tab\tline\r\n",
        "",
        " blanks  ",
        "\u{1}\u{7f}\u{fffd}",
        "e\u{301}",
    ];
    let places = 0..=words.len() as i32;
    let smalls = [i32::MIN, i32::MAX, 0, -1, 1, 7, 8, 9];
    let larges = [i64::MIN, i64::MAX, 0, -1, 1, 7, 8, 9];
    let reals = [f64::MIN, f64::MAX, f64::MIN_POSITIVE, -0.0, 5e-324, 0.1 + 0.2, f64::INFINITY, 1e15];
    let moments = [
        0,
        -1,
        1,
        1_541_106_132_796,
        -62_135_596_800_000,
        253_402_300_799_999,
        946_684_800_000,
        951_782_400_000,
    ];
    fn and_null<T: Copy>(values: [T; 8]) -> Vec<Option<T>> {
        values.into_iter().map(Some).chain([None]).collect()
    }
    let source = OneBatch::new(vec![
        ("place", Arc::new(Int32Array::from_iter_values(places)) as ArrayRef),
        ("words", Arc::new(StringArray::from(and_null(words)))),
        ("small", Arc::new(Int32Array::from(and_null(smalls)))),
        ("large", Arc::new(Int64Array::from(and_null(larges)))),
        ("real", Arc::new(Float64Array::from(and_null(reals)))),
        (
            "truth",
            Arc::new(BooleanArray::from(and_null([true, false, true, false, true, false, true, false]))),
        ),
        ("moment", Arc::new(TimestampMillisecondArray::from(and_null(moments)))),
    ]);
    let expected = source.batch().clone();
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("odd", source).await.unwrap(), 9);
    load.commit().await.unwrap();

    let found = warehouse.query("SELECT * FROM odd ORDER BY place").await.unwrap();
    let found = &found.batches()[0];
    for column in 0..6 {
        assert_eq!(found.column(column), expected.column(column), "{}", found.schema().field(column).name());
    }
    let seen = warehouse
        .query("SELECT CAST(EXTRACT(EPOCH FROM moment) * 1000 AS BIGINT), CAST(moment AS VARCHAR(64)) FROM odd ORDER BY place")
        .await
        .unwrap();
    for (row, moment) in moments.into_iter().enumerate() {
        assert_eq!(seen.integer(row, 0), Some(moment));
    }
    assert_eq!(seen.text(3, 1).as_deref(), Some("2018-11-01 21:02:12.796"));
    assert_eq!(found.column(6).null_count(), 1);
    // What the server itself makes of them.
    assert_eq!(text(&warehouse, "SELECT words FROM odd WHERE place = 2").await, "back\\slash \\N \\.");
    assert_eq!(integer(&warehouse, "SELECT OCTET_LENGTH(words) FROM odd WHERE place = 0").await, 8);
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM odd WHERE words IS NULL").await, 1);
    assert_eq!(
        text(&warehouse, "SELECT CAST(real AS VARCHAR(64)) FROM odd WHERE place = 5").await,
        "0.30000000000000004"
    );
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
