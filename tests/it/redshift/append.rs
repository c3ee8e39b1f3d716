//! Bulk append: packed, copied, and every row once, or none.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use sparkify_testkit::{Numbers, OneBatch};
use sparkify_warehouse::{BatchSource, Error, Fill, Reject, Warehouse, redshift::RedshiftWarehouse};

use super::{BUCKET, Stand, integer};

pub(super) async fn with_table(stand: &Stand) -> Arc<RedshiftWarehouse> {
    let warehouse = stand.prepared().await;
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    warehouse
}

/// The line of a record that was refused.
pub(super) fn text_of(reject: &Reject) -> String {
    reject.engine.as_ref().unwrap().raw.as_ref().unwrap().text().into_owned()
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
async fn an_append_whose_source_fails_copies_nothing() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    assert!(load.append("t", Numbers::failing_at(9, 3000, 5)).await.is_err());
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(stand.sent_that_begin("COPY"), 0);
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
    let Error::RecordsRefused { rejects, more, .. } = &error else { panic!("{error:?}") };
    let [reject] = &rejects[..] else { panic!("{rejects:?}") };
    assert_eq!((reject.line, reject.field.as_deref()), (2, Some("number")));
    assert_eq!(text_of(reject), "{\"number\":2147483648}");
    assert!(reject.path.starts_with(&format!("s3://{BUCKET}/stage/")), "{reject:?}");
    assert!(reject.reason.to_string().contains("out of range (int4)"), "{reject}");
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
        let Error::RecordsRefused { rejects, .. } = &error else { panic!("{error:?}") };
        assert_eq!(rejects.len(), 1, "{rejects:?}");
        let value = i64::from(i32::MAX) + by;
        assert_eq!(text_of(&rejects[0]), format!("{{\"number\":{value}}}"));
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
