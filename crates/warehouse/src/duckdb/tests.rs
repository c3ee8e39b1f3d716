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
    std::fs::write(&path, [b"SQLite format 3\0".as_slice(), &[0; 8192]].concat()).unwrap();
    for options in [DuckDbOptions::file(&path), DuckDbOptions::file(&path).read_only()] {
        let error = DuckDbWarehouse::open(&options).unwrap_err();
        assert!(
            matches!(&error, Error::NotADatabase { reason, .. } if reason.contains("SQLite")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn every_value_is_shown_as_duckdb_has_it() {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    for (expression, expected) in [
        ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
        ("100000000000000000000000000000000000000::HUGEINT", "100000000000000000000000000000000000000"),
        ("'-170141183460469231731687303715884105728'::HUGEINT", "-170141183460469231731687303715884105728"),
        ("'340282366920938463463374607431768211455'::UHUGEINT", "340282366920938463463374607431768211455"),
        ("factorial(33)", "8683317618811886495518194401280000000"),
        (
            "99999999999999999999999999999999999.999::DECIMAL(38, 3)",
            "99999999999999999999999999999999999.999",
        ),
        ("18446744073709551615::UBIGINT", "18446744073709551615"),
        ("'101'::BIT", "101"),
        ("'10101010101'::BIT", "10101010101"),
        ("'12:30:00+02'::TIMETZ", "12:30:00+02"),
        ("'12:30:00.5-03:30'::TIMETZ", "12:30:00.500-03:30"),
        ("TIME '24:00:00'", "24:00:00"),
        ("'a'::BLOB", "a"),
        ("'\\xAAa'::BLOB", "\\xAAa"),
        ("'infinity'::TIMESTAMP", "infinity"),
        ("'-infinity'::TIMESTAMPTZ", "-infinity"),
        ("'-infinity'::DATE", "-infinity"),
        ("TIMESTAMP '290309-12-22'", "+290309-12-22T00:00:00"),
        ("DATE '0044-03-15 (BC)'", "-0043-03-15"),
        ("TIMESTAMPTZ '2018-11-01 21:01:46.796-04'", "2018-11-02T01:01:46.796Z"),
        ("'2018-11-01 21:01:46.123456789'::TIMESTAMP_NS", "2018-11-01T21:01:46.123456789"),
        ("TIMESTAMP '2018-11-30 20:00:00' - TIMESTAMP '2018-11-01 00:59:27'", "29 days 19:00:33"),
        ("INTERVAL '14 months -1 day -3 hours'", "1 year 2 months -1 day -03:00:00"),
        ("['free', 'paid, at times', NULL]", "[free, 'paid, at times', NULL]"),
        ("[[1], []]", "[[1], []]"),
        ("[TRUE, NULL]", "[true, NULL]"),
        ("array_value(1, 2)", "[1, 2]"),
        ("{'a': 1::HUGEINT, 'b c': '12:30:00+02'::TIMETZ}", "{'a': 1, 'b c': '12:30:00+02'}"),
        ("MAP {'k': [DATE '2018-11-01']}", "{k=[2018-11-01]}"),
        ("union_value(k := 1::HUGEINT)", "1"),
        ("'b'::ENUM ('a', 'b')", "b"),
        ("'01234567-89ab-cdef-0123-456789abcdef'::UUID", "01234567-89ab-cdef-0123-456789abcdef"),
        ("'{\"a\": 1}'::JSON", "{\"a\": 1}"),
        ("TRUE", "true"),
        ("1e308::DOUBLE * 10", "inf"),
        ("0.1::FLOAT", "0.1"),
    ] {
        let records =
            warehouse.query(&format!("SELECT {expression} AS x, NULL::INTEGER AS y")).await.unwrap();
        assert_eq!(records.text(0, 0).as_deref(), Some(expected), "{expression}");
        assert_eq!(records.text(0, 1), None);
    }
    let truth = warehouse.query("SELECT TRUE AS x UNION ALL SELECT NULL").await.unwrap();
    assert_eq!(truth.schema().field(0).data_type(), &DataType::Boolean);
}

#[tokio::test]
async fn a_value_that_cannot_be_shown_is_never_shown_as_another() {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    for expression in ["12345678901234567890123456789012345678901234567890::BIGNUM", "INTERVAL 3000000 HOURS"]
    {
        let records = warehouse.query(&format!("SELECT {expression} AS x")).await.unwrap();
        assert_eq!(records.text(0, 0), None, "{expression}");
        assert_eq!(records.row_count(), 1);
    }
    let error = warehouse.query("SELECT '101'::VARIANT AS x").await.unwrap_err();
    assert!(error.to_string().contains("Variant") && error.to_string().contains("AS VARCHAR"), "{error}");
}

#[tokio::test]
async fn times_with_a_zone_are_in_utc_wherever_the_machine_is() {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    let zone = warehouse.query("SELECT current_setting('TimeZone'), CAST(now() AS VARCHAR)").await.unwrap();
    assert_eq!(zone.text(0, 0).as_deref(), Some("UTC"));
    assert!(zone.text(0, 1).unwrap().ends_with("+00"));
}

#[tokio::test]
async fn what_does_not_fit_into_the_memory_goes_to_the_directory_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let large =
        "SELECT COUNT(*) FROM (SELECT DISTINCT md5(CAST(range AS VARCHAR)) AS word FROM range(1500000))";
    let of = |temp_directory: &Path| DuckDbOptions {
        memory_limit: "60MB".to_owned(),
        threads: 2,
        temp_directory: Some(temp_directory.to_owned()),
        ..DuckDbOptions::in_memory()
    };
    let warehouse = DuckDbWarehouse::open(&of(directory.path())).unwrap();
    assert_eq!(warehouse.query(large).await.unwrap().integer(0, 0), Some(1_500_000));
    let own = directory.path().join(format!("sparkify-duckdb-{}", std::process::id()));
    assert!(own.is_dir(), "nothing was put there");
    warehouse.close().await.unwrap();
    assert!(!own.exists(), "what was put there has not gone");

    // Something else stands where the directory is to be made.
    std::fs::write(&own, "").unwrap();
    let warehouse = DuckDbWarehouse::open(&of(directory.path())).unwrap();
    let error = warehouse.query(large).await.unwrap_err();
    assert!(matches!(error, Error::TempDirectory { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("--temp-dir"));
    let error = DuckDbWarehouse::open(&of(&own)).unwrap_err();
    assert!(matches!(error, Error::TempDirectory { .. }), "{error:?}");
}
