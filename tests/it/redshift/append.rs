//! Bulk append: packed, copied, and every row once, or none.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};
use sparkify_testkit::{Numbers, OneBatch};
use sparkify_warehouse::{BatchSource, Error, Fill, Warehouse, redshift::RedshiftWarehouse};

use super::{BUCKET, Stand, integer, text};

pub(super) async fn with_table(stand: &Stand) -> Arc<RedshiftWarehouse> {
    let warehouse = stand.prepared().await;
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    warehouse
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_takes_every_row_once_whatever_the_slices_and_the_batch_size() {
    for slices in [1, 2, 4, 16] {
        let stand = Stand::with(|options| options.slices = slices);
        let warehouse = with_table(&stand).await;
        for rows in [1, 7, 5001] {
            let (drop, create) =
                ("DROP TABLE IF EXISTS t", "CREATE TABLE t (number BIGINT, name VARCHAR(64))");
            let mut load = warehouse.begin_load().await.unwrap();
            load.prepare(vec![drop.to_owned(), create.to_owned()]).await.unwrap();
            assert_eq!(load.append("t", Numbers::new(7, rows)).await.unwrap(), 7 * rows as u64);
            load.commit().await.unwrap();
            let n = 7 * rows as i64;
            assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(DISTINCT number) FROM t").await, n);
            let sum = "SELECT CAST(SUM(number) AS BIGINT) FROM t";
            assert_eq!(integer(warehouse.as_ref(), sum).await, n * (n - 1) / 2);
            let named = "SELECT COUNT(*) FROM t WHERE name = 'n' || number";
            assert_eq!(integer(warehouse.as_ref(), named).await, (n + 1) / 2);
        }
        assert_eq!(stand.staged(), Vec::<String>::new(), "the files are deleted when the load ends");
        stand.assert_only_what_redshift_takes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_filled_at_the_same_time_each_by_one_copy_on_a_connection_of_its_own() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let create = |name: &str| format!("CREATE TABLE {name} (number BIGINT, name VARCHAR(64))");
    warehouse.transact(vec![create("u"), create("v")]).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let tables: Vec<(String, Arc<dyn BatchSource>)> =
        ["t", "u", "v"].map(|name| (name.to_owned(), Numbers::new(5, 100) as Arc<dyn BatchSource>)).to_vec();
    let filled = load.fill(Fill { tables, ..Fill::default() }).await.unwrap();
    assert_eq!(filled.rows, [500; 3]);
    load.commit().await.unwrap();
    for table in ["t", "u", "v"] {
        assert_eq!(integer(warehouse.as_ref(), &format!("SELECT COUNT(*) FROM {table}")).await, 500);
    }
    let statements = stand.redshift.statements();
    let copies: Vec<_> = statements
        .iter()
        .filter(|sent| sent.sql().is_some_and(|sql| sql.starts_with("COPY")))
        .map(|sent| sent.session)
        .collect();
    assert_eq!(copies.len(), 3);
    assert_ne!(copies[0], copies[1], "the first two were on the same connection");
    assert!(stand.redshift.session_count() <= 4, "{} connections", stand.redshift.session_count());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_while_publishing_belongs_to_the_transaction() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    for commit in [false, true] {
        let mut load = warehouse.begin_load().await.unwrap();
        load.publish().await.unwrap();
        assert_eq!(load.append("t", Numbers::new(3, 5)).await.unwrap(), 15);
        assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(15));
        assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
        if commit {
            load.commit().await.unwrap();
        } else {
            load.abort(Vec::new()).await.unwrap();
        }
        assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, if commit { 15 } else { 0 });
        assert_eq!(stand.staged(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_returns_the_error_of_its_source_and_appends_nothing() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let error = load.append("t", Numbers::failing_at(9, 3000, 5)).await.unwrap_err();
    assert!(matches!(&error, Error::Source(source) if source.to_string() == "broken source"), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 0);
    assert_eq!(stand.staged(), Vec::<String>::new());
    let copies = stand.redshift.statements();
    assert!(!copies.iter().any(|sent| sent.sql().is_some_and(|sql| sql.starts_with("COPY"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_can_be_interrupted() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let interrupter = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            warehouse.interrupt();
        }
    });
    let error = load.append("t", Numbers::new(usize::MAX, 10)).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error:?}");
    interrupter.await.unwrap();
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(stand.staged(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_values_arrive_as_they_are() {
    let stand = Stand::new();
    let warehouse = stand.prepared().await;
    let table = "CREATE TABLE odd (place INTEGER, words VARCHAR(1024), small INTEGER, large BIGINT, \
                 real_number DOUBLE PRECISION, truth BOOLEAN, day DATE, moment TIMESTAMP)";
    warehouse.transact(vec![table.to_owned()]).await.unwrap();
    let words = [
        "🎵𝄞",
        "it's \"quoted\"",
        "back\\slash \\N \\.",
        "tab\tline\r\n",
        "",
        " blanks  ",
        "\u{1}\u{7f}\u{fffd}",
        "e\u{301} {\"json\": [1]}",
    ];
    fn and_null<T: Copy>(values: [T; 8]) -> Vec<Option<T>> {
        values.into_iter().map(Some).chain([None]).collect()
    }
    let reals = [f64::MIN, f64::MAX, f64::MIN_POSITIVE, -0.0, 5e-324, 0.1 + 0.2, 218.931_41, 1e15];
    let moments =
        [0, -1, 1, 1_541_106_132_796, -62_135_596_800_000, 253_402_300_799_999, 946_684_800_000, 999];
    let source = OneBatch::new(vec![
        ("place", Arc::new(Int32Array::from_iter_values(0..=8)) as ArrayRef),
        ("words", Arc::new(StringArray::from(and_null(words)))),
        ("small", Arc::new(Int32Array::from(and_null([i32::MIN, i32::MAX, 0, -1, 1, 7, 8, 9])))),
        ("large", Arc::new(Int64Array::from(and_null([i64::MIN, i64::MAX, 0, -1, 1, 7, 8, 9])))),
        ("real_number", Arc::new(Float64Array::from(and_null(reals)))),
        (
            "truth",
            Arc::new(BooleanArray::from(and_null([true, false, true, false, true, false, true, false]))),
        ),
        ("day", Arc::new(Date32Array::from(and_null([0, -1, 1, 17_865, 10_957, 11_016, 2, 3])))),
        ("moment", Arc::new(TimestampMillisecondArray::from(and_null(moments)))),
    ]);
    let expected = source.batch().clone();
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("odd", source).await.unwrap(), 9);
    load.commit().await.unwrap();
    let found = warehouse.query("SELECT * FROM odd ORDER BY place").await.unwrap();
    let found = &found.batches()[0];
    for column in 0..7 {
        assert_eq!(found.column(column), expected.column(column), "{}", found.schema().field(column).name());
    }
    let shown = warehouse.query("SELECT moment FROM odd WHERE place = 3").await.unwrap();
    assert_eq!(shown.text(0, 0).as_deref(), Some("2018-11-01T21:02:12.796"));
    assert_eq!(found.column(7).null_count(), 1);
    // What the server itself makes of them.
    assert_eq!(text(warehouse.as_ref(), "SELECT words FROM odd WHERE place = 2").await, words[2]);
    assert_eq!(integer(warehouse.as_ref(), "SELECT OCTET_LENGTH(words) FROM odd WHERE place = 0").await, 8);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM odd WHERE words IS NULL").await, 1);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM odd WHERE words = ''").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_another_type_is_refused_before_anything_is_written() {
    let stand = Stand::new();
    let warehouse = stand.prepared().await;
    warehouse.transact(vec!["CREATE TABLE narrow (number INTEGER)".to_owned()]).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let texts = OneBatch::new(vec![("number", Arc::new(StringArray::from(vec!["1"])) as ArrayRef)]);
    let error = load.append("narrow", texts).await.unwrap_err();
    assert!(matches!(&error, Error::Internal(text) if text.contains("narrow.number")), "{error:?}");
    assert_eq!(stand.staged(), Vec::<String>::new());
    // One that fits is written; one that does not is a record that COPY refuses.
    let numbers =
        |values: Vec<i64>| OneBatch::new(vec![("number", Arc::new(Int64Array::from(values)) as ArrayRef)]);
    assert_eq!(load.append("narrow", numbers(vec![1, i64::from(i32::MAX)])).await.unwrap(), 2);
    let error = load.append("narrow", numbers(vec![7, i64::from(i32::MAX) + 1])).await.unwrap_err();
    let Error::CopyRejected { rejects, more, .. } = &error else { panic!("{error:?}") };
    assert_eq!((rejects.len(), rejects[0].line, rejects[0].column.as_deref()), (1, 2, Some("number")));
    assert_eq!(rejects[0].raw.as_ref().unwrap().text(), "{\"number\":2147483648}");
    assert!(rejects[0].url.starts_with(&format!("s3://{BUCKET}/stage/")), "{rejects:?}");
    assert!(rejects[0].cause().contains("out of the range of its column (int4)"), "{}", rejects[0].cause());
    assert!(!more);
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_records_of_the_copy_that_failed_are_shown_not_those_of_another_of_the_session() {
    let stand = Stand::new();
    let warehouse = stand.prepared().await;
    warehouse.transact(vec!["CREATE TABLE narrow (number INTEGER)".to_owned()]).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let too_large = |by: i64| {
        let value = i64::from(i32::MAX) + by;
        OneBatch::new(vec![("number", Arc::new(Int64Array::from(vec![value])) as ArrayRef)])
    };
    for by in [1, 2, 3, 4] {
        // The last ones are in a transaction, which has failed when it is asked.
        if by == 3 {
            load.publish().await.unwrap();
        }
        if by == 4 {
            load.abort(Vec::new()).await.unwrap();
            load = warehouse.begin_load().await.unwrap();
            load.publish().await.unwrap();
        }
        let error = load.append("narrow", too_large(by)).await.unwrap_err();
        let Error::CopyRejected { rejects, .. } = &error else { panic!("{error:?}") };
        assert_eq!(rejects.len(), 1, "{rejects:?}");
        let value = i64::from(i32::MAX) + by;
        assert_eq!(rejects[0].raw.as_ref().unwrap().text(), format!("{{\"number\":{value}}}"));
    }
    stand.assert_only_what_redshift_takes();
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_without_a_place_in_s3_says_what_to_name_and_one_that_needs_none_works() {
    let stand = Stand::new();
    with_table(&stand).await;
    let warehouse = stand.open().await;
    let mut load = warehouse.begin_load().await.unwrap();
    let error = load.append("t", Numbers::new(1, 1)).await.unwrap_err();
    assert!(
        error.hint().unwrap().contains("--stage") && error.hint().unwrap().contains("--iam-role"),
        "{error:?}"
    );
    load.commit().await.unwrap();
}
