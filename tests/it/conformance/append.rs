//! Bulk append: every row once, or none.

use std::{sync::Arc, time::Duration};

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use sparkify_testkit::{Numbers, OneBatch};
use sparkify_warehouse::Error;

use super::{
    Engine,
    statements::{count, integer, with_table},
};

on_every_engine! {
    an_append_takes_every_row_once_whatever_the_batch_size,
    an_append_of_nothing_is_one,
    an_append_returns_the_error_of_its_source_and_appends_nothing,
    an_append_while_publishing_belongs_to_the_transaction,
    an_append_can_be_interrupted,
    values_arrive_as_they_are,
}

async fn an_append_takes_every_row_once_whatever_the_batch_size(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    for rows in [1, 7, 2047, 2048, 2049, 5000] {
        let statements =
            ["DROP TABLE IF EXISTS batch_t", "CREATE TABLE batch_t (number BIGINT, name VARCHAR(64))"];
        let mut load = warehouse.begin_load().await.unwrap();
        load.prepare(statements.map(str::to_owned).to_vec()).await.unwrap();
        assert_eq!(load.append("batch_t", Numbers::new(7, rows)).await.unwrap(), 7 * rows as u64);
        load.commit().await.unwrap();
        let n = 7 * rows as i64;
        for (sql, expected) in [
            ("SELECT COUNT(*) FROM batch_t", n),
            ("SELECT COUNT(DISTINCT number) FROM batch_t", n),
            ("SELECT CAST(SUM(number) AS BIGINT) FROM batch_t", n * (n - 1) / 2),
            ("SELECT COUNT(*) FROM batch_t WHERE name = 'n' || CAST(number AS VARCHAR(32))", (n + 1) / 2),
            ("SELECT COUNT(*) FROM batch_t WHERE name IS NULL", n / 2),
        ] {
            assert_eq!(integer(warehouse.as_ref(), sql).await, expected, "{rows}: {sql}");
        }
    }
}

async fn an_append_of_nothing_is_one(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("t", Numbers::new(0, 1)).await.unwrap(), 0);
    assert_eq!(load.append("t", Numbers::new(3, 0)).await.unwrap(), 0);
    load.publish().await.unwrap();
    assert_eq!(load.append("t", Numbers::new(0, 1)).await.unwrap(), 0);
    load.commit().await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 0);
}

async fn an_append_returns_the_error_of_its_source_and_appends_nothing(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    for publishing in [false, true] {
        let mut load = warehouse.begin_load().await.unwrap();
        if publishing {
            load.publish().await.unwrap();
        }
        let error = load.append("t", Numbers::failing_at(9, 3000, 5)).await.unwrap_err();
        assert!(
            matches!(&error, Error::Source(source) if source.to_string() == "broken source"),
            "{error:?}"
        );
        load.abort(Vec::new()).await.unwrap();
        assert_eq!(count(warehouse.as_ref()).await, 0);
    }
}

async fn an_append_while_publishing_belongs_to_the_transaction(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    for commit in [false, true] {
        let mut load = warehouse.begin_load().await.unwrap();
        load.publish().await.unwrap();
        load.execute("INSERT INTO t VALUES (-1, 'a')").await.unwrap();
        assert_eq!(load.append("t", Numbers::new(3, 5)).await.unwrap(), 15);
        assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(16));
        assert_eq!(count(warehouse.as_ref()).await, 0);
        if commit {
            load.commit().await.unwrap();
        } else {
            load.abort(Vec::new()).await.unwrap();
        }
        assert_eq!(count(warehouse.as_ref()).await, if commit { 16 } else { 0 });
    }
}

async fn an_append_can_be_interrupted(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let interrupter = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            warehouse.interrupt();
        }
    });
    let endless = load.append("t", Numbers::new(usize::MAX, 10));
    let error = tokio::time::timeout(Duration::from_secs(30), endless).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error:?}");
    interrupter.await.unwrap();
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(count(warehouse.as_ref()).await, 0);
}

async fn values_arrive_as_they_are(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let table = "CREATE TABLE odd (place INTEGER, words VARCHAR(1024), small INTEGER, large BIGINT, fraction DOUBLE PRECISION)";
    warehouse.transact(vec![table.to_owned()]).await.unwrap();
    let words = [
        "🎵𝄞",
        "it's \"quoted\"",
        "back\\slash \\N \\. \\n",
        "tab\tline\r\n",
        "{\"json\": [1, null]}",
        "a,b;c|d",
        "\u{1}\u{7f}\u{fffd}",
        "e\u{301}",
        " blanks  ",
        "NULL",
    ];
    let smalls = [i32::MIN, i32::MAX, 0, -1, 1, 7, 8, 9, 10, 11];
    let larges = [i64::MIN, i64::MAX, 0, -1, 1, 7, 8, 9, 10, 11];
    let fractions =
        [f64::MIN, f64::MAX, f64::MIN_POSITIVE, -0.5, 5e-324, 0.1 + 0.2, 1e15, 1.0 / 3.0, 1e-7, 123.0];
    fn and_null<T: Copy, const N: usize>(values: [T; N]) -> Vec<Option<T>> {
        values.into_iter().map(Some).chain([None]).collect()
    }
    let source = OneBatch::new(vec![
        ("place", Arc::new(Int32Array::from_iter_values(0..=words.len() as i32)) as ArrayRef),
        ("words", Arc::new(StringArray::from(and_null(words)))),
        ("small", Arc::new(Int32Array::from(and_null(smalls)))),
        ("large", Arc::new(Int64Array::from(and_null(larges)))),
        ("fraction", Arc::new(Float64Array::from(and_null(fractions)))),
    ]);
    let expected = source.batch().clone();
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("odd", source).await.unwrap(), expected.num_rows() as u64);
    load.commit().await.unwrap();
    let found = warehouse.query("SELECT * FROM odd ORDER BY place").await.unwrap();
    let found = &found.batches()[0];
    for (index, field) in expected.schema().fields().iter().enumerate() {
        assert_eq!(found.column(index), expected.column(index), "{}", field.name());
    }
    // What the engine itself makes of them.
    assert_eq!(integer(warehouse.as_ref(), "SELECT LENGTH(words) FROM odd WHERE place = 0").await, 2);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM odd WHERE words IS NULL").await, 1);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM odd WHERE words = 'NULL'").await, 1);
}
