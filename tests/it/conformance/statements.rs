//! Statements outside of a load: what a query returns, transactions, errors, interruption, reading only.

use std::{sync::Arc, time::Duration};

use arrow_schema::{DataType, TimeUnit};
use sparkify_etl::create_tables;
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::rows_of;
use sparkify_warehouse::{Access, Error, Warehouse};

use super::Engine;

on_every_engine! {
    a_query_returns_each_type_of_the_model_with_its_values,
    other_types_that_a_query_may_have_are_shown_alike,
    a_query_without_rows_has_its_columns,
    statements_of_a_transaction_take_effect_together_or_not_at_all,
    a_refused_statement_is_named_with_the_reason_and_harms_nothing,
    queries_of_several_tasks_are_answered_each_with_its_own_rows,
    a_running_query_can_be_interrupted_and_the_next_one_runs,
    a_query_that_nobody_waits_for_keeps_nothing_from_running,
    a_database_that_is_open_for_reading_only_refuses_every_write,
    a_closed_database_says_so,
}

/// A database with the tables of the model, one of which a load may need for its lock, and one of numbers
/// and names.
pub(super) async fn with_table(engine: Engine) -> (super::Database, Arc<dyn Warehouse>) {
    let (database, warehouse) = engine.open_new().await;
    create_tables(warehouse.as_ref(), &SqlLibrary::embedded().unwrap()).await.unwrap();
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    (database, warehouse)
}

pub(super) async fn integer(warehouse: &dyn Warehouse, sql: &str) -> i64 {
    warehouse.query(sql).await.unwrap().integer(0, 0).unwrap()
}

pub(super) async fn count(warehouse: &dyn Warehouse) -> i64 {
    integer(warehouse, "SELECT COUNT(*) FROM t").await
}

/// A query that no engine answers within the time of a test.
pub(super) const ENDLESS: &str = "SELECT COUNT(*) FROM t a CROSS JOIN t b CROSS JOIN t c CROSS JOIN t d \
                                  WHERE a.number + b.number + c.number + d.number = -1";

/// Fills the table so that [`ENDLESS`] is.
pub(super) async fn fill(warehouse: &dyn Warehouse) {
    let mut load = warehouse.begin_load().await.unwrap();
    load.append("t", sparkify_testkit::Numbers::new(1, 3000)).await.unwrap();
    load.commit().await.unwrap();
}

async fn a_query_returns_each_type_of_the_model_with_its_values(engine: Engine) {
    let (_database, warehouse) = engine.open_new().await;
    let statements = [
        "CREATE TABLE kinds (place INTEGER, words VARCHAR(256), large BIGINT, fraction DOUBLE PRECISION, moment TIMESTAMP)",
        "INSERT INTO kinds VALUES (1, '𝄞 it''s', 9223372036854775807, 0.30000000000000004, TIMESTAMP '2018-11-01 21:02:12.796')",
        "INSERT INTO kinds VALUES (2, '', -9223372036854775807, -1e300, TIMESTAMP '1970-01-01 00:00:00')",
        "INSERT INTO kinds VALUES (3, 'trailing  ', 0, 5e-324, TIMESTAMP '9999-12-31 23:59:59.999')",
        "INSERT INTO kinds VALUES (4, NULL, NULL, NULL, NULL)",
    ];
    warehouse.transact(statements.map(str::to_owned).to_vec()).await.unwrap();
    let records = warehouse.query("SELECT * FROM kinds ORDER BY place").await.unwrap();
    let schema = records.schema();
    let found: Vec<_> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
    let expected = [
        ("place", DataType::Int32),
        ("words", DataType::Utf8),
        ("large", DataType::Int64),
        ("fraction", DataType::Float64),
        ("moment", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ];
    assert_eq!(found, expected);
    let rows = rows_of(warehouse.as_ref(), "SELECT * FROM kinds ORDER BY place").await;
    assert_eq!(
        rows,
        [
            ["1", "𝄞 it's", "9223372036854775807", "0.30000000000000004", "2018-11-01T21:02:12.796"],
            ["2", "", "-9223372036854775807", "-1e300", "1970-01-01T00:00:00"],
            ["3", "trailing  ", "0", "5e-324", "9999-12-31T23:59:59.999"],
            ["4", "NULL", "NULL", "NULL", "NULL"],
        ]
    );
    assert_eq!((records.text(3, 1), records.text(1, 1).as_deref()), (None, Some("")));
    // What the transforms and the questions compute.
    for (sql, expected) in [
        ("SELECT COUNT(*) FROM kinds", "4"),
        ("SELECT CAST(SUM(place) AS BIGINT) FROM kinds", "10"),
        ("SELECT AVG(CAST(place AS DOUBLE PRECISION)) FROM kinds", "2.5"),
        ("SELECT MAX(words) FROM kinds WHERE place = 9", "NULL"),
        ("SELECT CASE WHEN words = 'trailing' THEN 1 ELSE 0 END FROM kinds WHERE place = 1", "0"),
        ("SELECT EXTRACT(YEAR FROM moment) FROM kinds WHERE place = 1", "2018"),
    ] {
        assert_eq!(rows_of(warehouse.as_ref(), sql).await, [[expected]], "{sql}");
    }
}

async fn other_types_that_a_query_may_have_are_shown_alike(engine: Engine) {
    let (database, warehouse) = engine.open_new().await;
    for (expression, expected) in [
        ("CAST(1 = 1 AS BOOLEAN)", "true"),
        ("CAST(-7 AS SMALLINT)", "-7"),
        ("2147483647", "2147483647"),
        ("9223372036854775807", "9223372036854775807"),
        ("CAST(0.1 AS REAL)", "0.1"),
        ("CAST(0.1 AS DOUBLE PRECISION) + CAST(0.2 AS DOUBLE PRECISION)", "0.30000000000000004"),
        ("CAST(12.5 AS NUMERIC(10, 3))", "12.500"),
        ("CAST(SUM(CAST(3 AS BIGINT)) AS BIGINT)", "3"),
        ("CAST('text  ' AS VARCHAR(16))", "text  "),
        ("CAST('2018-11-30' AS DATE)", "2018-11-30"),
        ("CAST('0001-01-01' AS DATE)", "0001-01-01"),
        ("CAST('2018-11-30 01:02:03.456' AS TIMESTAMP)", "2018-11-30T01:02:03.456"),
        (
            "CAST('2018-11-30 19:00:33' AS TIMESTAMP) - CAST('2018-11-01 00:00:00' AS TIMESTAMP)",
            "29 days 19:00:33",
        ),
    ] {
        let value = format!("SELECT {expression} AS x");
        assert_eq!(rows_of(warehouse.as_ref(), &value).await, [[expected]], "{expression}");
        let null = format!("SELECT CASE WHEN 1 = 2 THEN {expression} END AS x");
        let records = warehouse.query(&null).await.unwrap();
        assert_eq!((records.row_count(), records.text(0, 0)), (1, None), "{expression}");
    }
    database.assert_sound();
}

async fn a_query_without_rows_has_its_columns(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let records = warehouse.query("SELECT name, number AS n FROM t").await.unwrap();
    let names: Vec<_> = records.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!((records.row_count(), names), (0, vec!["name".to_owned(), "n".to_owned()]));
    assert_eq!((records.text(0, 0), records.integer(0, 1)), (None, None));
}

async fn statements_of_a_transaction_take_effect_together_or_not_at_all(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let statements =
        ["INSERT INTO t VALUES (1, 'a')", "CREATE TABLE u (number BIGINT)", "INSERT INTO nowhere VALUES (1)"];
    let error = warehouse.transact(statements.map(str::to_owned).to_vec()).await.unwrap_err();
    let Error::Statement { reason, sql } = &error else { panic!("{error:?}") };
    assert!(reason.contains("nowhere") && sql.contains("nowhere"), "{error:?}");
    assert_eq!(count(warehouse.as_ref()).await, 0);
    assert!(warehouse.query("SELECT * FROM u").await.is_err());

    let statements = [
        "INSERT INTO t VALUES (1, 'a')",
        "CREATE TABLE u (number BIGINT)",
        "INSERT INTO u SELECT number FROM t",
    ];
    warehouse.transact(statements.map(str::to_owned).to_vec()).await.unwrap();
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM u").await, 1);
    warehouse.transact(Vec::new()).await.unwrap();
}

async fn a_refused_statement_is_named_with_the_reason_and_harms_nothing(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    for sql in
        ["SELECT * FROM nowhere", "SELECT nothing FROM t", "SELEC 1", "INSERT INTO t VALUES ('x', 'y')"]
    {
        let error = warehouse.query(sql).await.unwrap_err();
        let Error::Statement { reason, sql: named } = &error else { panic!("{sql}: {error:?}") };
        assert!(!reason.is_empty() && named == sql, "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(count(warehouse.as_ref()).await, 0);
    }
}

async fn queries_of_several_tasks_are_answered_each_with_its_own_rows(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    let tasks: Vec<_> = (0..20_i64)
        .map(|number| {
            let warehouse = Arc::clone(&warehouse);
            tokio::spawn(async move { integer(warehouse.as_ref(), &format!("SELECT {number}")).await })
        })
        .collect();
    for (number, task) in (0..).zip(tasks) {
        assert_eq!(task.await.unwrap(), number);
    }
}

async fn a_running_query_can_be_interrupted_and_the_next_one_runs(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    fill(warehouse.as_ref()).await;
    let query = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { warehouse.query(ENDLESS).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!query.is_finished());
    warehouse.interrupt();
    let result = tokio::time::timeout(Duration::from_secs(20), query).await.unwrap().unwrap();
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    assert_eq!(count(warehouse.as_ref()).await, 3000);
    // With nothing running there is nothing to interrupt.
    warehouse.interrupt();
    assert_eq!(count(warehouse.as_ref()).await, 3000);
}

async fn a_query_that_nobody_waits_for_keeps_nothing_from_running(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    fill(warehouse.as_ref()).await;
    let query = warehouse.query(ENDLESS);
    assert!(tokio::time::timeout(Duration::from_millis(300), query).await.is_err());
    warehouse.interrupt();
    let next = tokio::time::timeout(Duration::from_secs(20), count(warehouse.as_ref())).await;
    assert_eq!(next.unwrap(), 3000);
}

async fn a_database_that_is_open_for_reading_only_refuses_every_write(engine: Engine) {
    let (database, warehouse) = with_table(engine).await;
    warehouse.close().await.unwrap();
    let reader = database.open(Access::ReadOnly).await;
    for sql in [
        "INSERT INTO t VALUES (1, 'a')",
        "DELETE FROM t",
        "UPDATE t SET number = 1",
        "CREATE TABLE u (number BIGINT)",
        "DROP TABLE t",
    ] {
        assert!(matches!(reader.query(sql).await, Err(Error::ReadOnly)), "{sql}");
    }
    assert!(matches!(reader.transact(Vec::new()).await, Err(Error::ReadOnly)));
    assert!(matches!(reader.begin_load().await.err(), Some(Error::ReadOnly)));
    assert!(Error::ReadOnly.hint().is_some());
    assert_eq!(count(reader.as_ref()).await, 0);
}

async fn a_closed_database_says_so(engine: Engine) {
    let (_database, warehouse) = with_table(engine).await;
    warehouse.close().await.unwrap();
    assert!(matches!(warehouse.query("SELECT 1").await, Err(Error::Closed)));
    assert!(matches!(warehouse.transact(Vec::new()).await, Err(Error::Closed)));
    assert!(matches!(warehouse.begin_load().await.err(), Some(Error::Closed)));
}
