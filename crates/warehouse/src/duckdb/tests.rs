use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::*;
use crate::{BatchSource, BoxError};

/// `batches` batches of `rows` rows; fails instead of batch `fail_at`.
#[derive(Debug)]
struct Numbers {
    next: AtomicUsize,
    batches: usize,
    rows: usize,
    fail_at: usize,
}

impl Numbers {
    fn new(batches: usize, rows: usize) -> Arc<Self> {
        Arc::new(Self { next: AtomicUsize::new(0), batches, rows, fail_at: usize::MAX })
    }
}

impl BatchSource for Numbers {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("number", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]))
    }

    fn next_batch(&self) -> Result<Option<RecordBatch>, BoxError> {
        let batch = self.next.fetch_add(1, Ordering::SeqCst);
        if batch == self.fail_at {
            return Err("broken source".into());
        }
        if batch >= self.batches {
            return Ok(None);
        }
        let numbers: Vec<_> = (0..self.rows).map(|row| (batch * self.rows + row) as i64).collect();
        let names: Vec<_> =
            numbers.iter().map(|number| (number % 2 == 0).then(|| format!("n{number}"))).collect();
        Ok(Some(RecordBatch::try_new(
            self.schema(),
            vec![Arc::new(Int64Array::from(numbers)), Arc::new(StringArray::from(names))],
        )?))
    }
}

async fn integer(warehouse: &DuckDbWarehouse, sql: &str) -> i64 {
    warehouse.query(sql).await.unwrap().integer(0, 0).unwrap()
}

async fn with_table() -> DuckDbWarehouse {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT, name VARCHAR)".to_owned()]).await.unwrap();
    warehouse
}

#[tokio::test]
async fn an_append_takes_every_row_once_whatever_the_batch_size() {
    for rows in [1, 2047, 2048, 2049, 5000] {
        let warehouse = with_table().await;
        let mut load = warehouse.begin_load().await.unwrap();
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

#[tokio::test]
async fn an_append_returns_the_error_of_its_source_and_appends_nothing() {
    let warehouse = with_table().await;
    let mut load = warehouse.begin_load().await.unwrap();
    let source = Arc::new(Numbers { next: AtomicUsize::new(0), batches: 9, rows: 3000, fail_at: 5 });
    let error = load.append("t", source).await.unwrap_err();
    assert!(matches!(&error, Error::Source(source) if source.to_string() == "broken source"), "{error:?}");
    drop(load);
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test]
async fn what_a_load_publishes_is_invisible_until_it_commits_and_gone_when_dropped() {
    let warehouse = with_table().await;
    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(1));
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 0);
    drop(load);

    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(0));
    load.prepare(vec!["CREATE TABLE private (number BIGINT)".to_owned()]).await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    load.abort(vec!["DROP TABLE private".to_owned()]).await.unwrap();
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 0);
    assert!(warehouse.query("SELECT * FROM private").await.is_err());

    let mut load = warehouse.begin_load().await.unwrap();
    load.publish().await.unwrap();
    load.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    load.commit().await.unwrap();
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 1);
}

#[tokio::test]
async fn a_second_load_waits_for_the_first() {
    let warehouse = Arc::new(with_table().await);
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
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!second.is_finished());
    first.execute("INSERT INTO t VALUES (1, 'a')").await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), Some(1));
}

#[tokio::test]
async fn statements_of_a_transaction_take_effect_together_or_not_at_all() {
    let warehouse = with_table().await;
    let statements = ["INSERT INTO t VALUES (1, 'a')", "INSERT INTO nowhere VALUES (1)"].map(str::to_owned);
    let error = warehouse.transact(statements.to_vec()).await.unwrap_err();
    assert!(matches!(error, Error::Statement { .. }));
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM t").await, 0);
}

#[tokio::test]
async fn a_running_statement_can_be_interrupted() {
    let warehouse = Arc::new(with_table().await);
    let query = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            warehouse
                .query("SELECT COUNT(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range")
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    warehouse.interrupt();
    assert!(matches!(query.await.unwrap(), Err(Error::Interrupted)));
    assert_eq!(integer(&warehouse, "SELECT 1").await, 1);
}

#[tokio::test]
async fn a_read_only_database_refuses_writes_of_any_kind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.duckdb");
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::file(&path)).unwrap();
    warehouse.transact(vec!["CREATE TABLE t (number BIGINT)".to_owned()]).await.unwrap();
    warehouse.close().await.unwrap();
    assert!(matches!(warehouse.query("SELECT 1").await, Err(Error::Closed)));

    let options = DuckDbOptions::file(&path).read_only();
    let warehouse = DuckDbWarehouse::open(&options).unwrap();
    let second = DuckDbWarehouse::open(&options).unwrap();
    assert_eq!(integer(&second, "SELECT COUNT(*) FROM t").await, 0);
    assert!(matches!(warehouse.query("INSERT INTO t VALUES (1)").await, Err(Error::ReadOnly)));
    assert!(matches!(warehouse.transact(vec![]).await, Err(Error::ReadOnly)));
    assert!(matches!(warehouse.begin_load().await.err(), Some(Error::ReadOnly)));
    let target = directory.path().join("out.csv");
    for sql in [
        format!("COPY t TO '{}'", target.display()),
        format!("ATTACH '{}/y.duckdb'", directory.path().display()),
        "SET enable_external_access = true".to_owned(),
    ] {
        assert!(warehouse.query(&sql).await.is_err(), "{sql}");
    }
    assert!(!target.exists());
}

#[test]
fn opening_says_what_is_wrong_with_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.duckdb");
    assert!(matches!(
        DuckDbWarehouse::open(&DuckDbOptions::file(&path).read_only()),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        DuckDbWarehouse::open(&DuckDbOptions::file(directory.path().join("no/such/x.duckdb"))),
        Err(Error::Open { .. })
    ));
    std::fs::write(&path, "this is no database, it is a text that someone wrote".repeat(1000)).unwrap();
    assert!(matches!(DuckDbWarehouse::open(&DuckDbOptions::file(&path)), Err(Error::NotADatabase { .. })));
    assert!(!DuckDbWarehouse::is_database(&path));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is no database"));
}
