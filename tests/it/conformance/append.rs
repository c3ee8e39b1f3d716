//! Bulk append: every row once, or none.

use std::{sync::Arc, time::Duration};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use sparkify_schema::Dialect;
use sparkify_testkit::{Numbers, OneBatch, rows_of};
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
    let (database, warehouse) = with_table(engine).await;
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
        database.assert_sound();
    }
}

async fn an_append_while_publishing_belongs_to_the_transaction(engine: Engine) {
    let (database, warehouse) = with_table(engine).await;
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
        database.assert_sound();
    }
}

async fn an_append_can_be_interrupted(engine: Engine) {
    let (database, warehouse) = with_table(engine).await;
    for publishing in [false, true] {
        let mut load = warehouse.begin_load().await.unwrap();
        if publishing {
            load.publish().await.unwrap();
        }
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
        database.assert_sound();
    }
}

async fn values_arrive_as_they_are(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let table = "CREATE TABLE odd (place INTEGER, words VARCHAR(1024), small INTEGER, large BIGINT, \
                 fraction DOUBLE PRECISION, truth BOOLEAN, day DATE, moment TIMESTAMP)";
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
        "",
        "back\\slash \\N \\.",
    ];
    let smalls = [i32::MIN, i32::MAX, 0, -1, 1, 7, 8, 9, 10, 11, 12, 13];
    let larges = [i64::MIN, i64::MAX, 0, -1, 1, 7, 8, 9, 10, 11, 12, 13];
    let fractions = [
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        -0.5,
        5e-324,
        0.1 + 0.2,
        1e15,
        1.0 / 3.0,
        1e-7,
        123.0,
        -0.0,
        218.931_41,
    ];
    let truths: [bool; 12] = std::array::from_fn(|place| place % 2 == 0);
    let days = [0, -1, 1, 17_865, 10_957, 11_016, -719_162, 2_932_896, 2, 3, 4, 5];
    let moments = [
        (0, "1970-01-01 00:00:00"),
        (-1, "1969-12-31 23:59:59.999"),
        (1, "1970-01-01 00:00:00.001"),
        (1_541_106_132_796, "2018-11-01 21:02:12.796"),
        (-62_135_596_800_000, "0001-01-01 00:00:00"),
        (253_402_300_799_999, "9999-12-31 23:59:59.999"),
        (946_684_800_000, "2000-01-01 00:00:00"),
        (951_782_400_000, "2000-02-29 00:00:00"),
        (999, "1970-01-01 00:00:00.999"),
        (1000, "1970-01-01 00:00:01"),
        (-1000, "1969-12-31 23:59:59"),
        (1_543_539_723_456, "2018-11-30 01:02:03.456"),
    ];
    let milliseconds = moments.map(|(moment, _)| moment);
    fn and_null<T: Copy, const N: usize>(values: [T; N]) -> Vec<Option<T>> {
        values.into_iter().map(Some).chain([None]).collect()
    }
    let source = OneBatch::new(vec![
        ("place", Arc::new(Int32Array::from_iter_values(0..=words.len() as i32)) as ArrayRef),
        ("words", Arc::new(StringArray::from(and_null(words)))),
        ("small", Arc::new(Int32Array::from(and_null(smalls)))),
        ("large", Arc::new(Int64Array::from(and_null(larges)))),
        ("fraction", Arc::new(Float64Array::from(and_null(fractions)))),
        ("truth", Arc::new(BooleanArray::from(and_null(truths)))),
        ("day", Arc::new(Date32Array::from(and_null(days)))),
        ("moment", Arc::new(TimestampMillisecondArray::from(and_null(milliseconds)))),
    ]);
    let mut expected = source.batch().columns().to_vec();
    // The engines count in microseconds.
    let microseconds = and_null(milliseconds.map(|moment: i64| moment * 1000));
    expected[7] = Arc::new(TimestampMicrosecondArray::from(microseconds));
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("odd", source).await.unwrap(), 13);
    load.commit().await.unwrap();
    let found = warehouse.query("SELECT * FROM odd ORDER BY place").await.unwrap();
    let found = &found.batches()[0];
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(found.column(index), expected, "{}", found.schema().field(index).name());
    }
    // What the engine itself makes of them.
    let bytes = if engine.dialect() == Dialect::DuckDb { "STRLEN" } else { "OCTET_LENGTH" };
    let bytes = format!("SELECT {bytes}(words) FROM odd WHERE place = 0");
    for (sql, expected) in [
        ("SELECT LENGTH(words) FROM odd WHERE place = 0", 2),
        (bytes.as_str(), 8),
        ("SELECT COUNT(*) FROM odd WHERE words IS NULL", 1),
        ("SELECT COUNT(*) FROM odd WHERE words = 'NULL'", 1),
        ("SELECT COUNT(*) FROM odd WHERE words = ''", 1),
        ("SELECT COUNT(*) FROM odd WHERE fraction = CAST('0.30000000000000004' AS DOUBLE PRECISION)", 1),
    ] {
        assert_eq!(integer(warehouse.as_ref(), sql).await, expected, "{sql}");
    }
    let shown =
        rows_of(warehouse.as_ref(), "SELECT CAST(moment AS VARCHAR(64)) FROM odd ORDER BY place").await;
    let expected: Vec<_> = moments.iter().map(|(_, text)| [*text]).chain([["NULL"]]).collect();
    assert_eq!(shown, expected);
}
