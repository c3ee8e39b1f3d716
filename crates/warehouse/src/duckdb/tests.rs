//! What only DuckDB has; what every engine does is tested in one suite for all of them.

use super::*;

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
    assert_eq!(second.query("SELECT COUNT(*) FROM t").await.unwrap().integer(0, 0), Some(0));
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
