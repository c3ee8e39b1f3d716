//! Statements: what Redshift has and PostgreSQL has not, and the other way round.

use crate::{connect, double, double_without_lint, failure, rows, run};

#[tokio::test]
async fn keys_are_declared_and_not_enforced_but_not_null_is() {
    let double = double_without_lint().await;
    let client = connect(&double).await;
    run(
        &client,
        "CREATE TABLE users (id BIGINT NOT NULL, name VARCHAR(9) ENCODE lzo, PRIMARY KEY (id), UNIQUE (name)) \
         DISTSTYLE ALL SORTKEY (id)",
    )
    .await;
    run(&client, "CREATE TABLE plays (user_id BIGINT REFERENCES users (id) DISTKEY)").await;
    for _ in 0..2 {
        run(&client, "INSERT INTO users (id, name) SELECT 1, 'a'").await;
    }
    run(&client, "INSERT INTO plays SELECT 99").await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM users").await, ["2"]);
    assert_eq!(failure(&client, "INSERT INTO users (name) SELECT 'b'").await.0, "23502");
    run(&client, "ALTER TABLE users ADD PRIMARY KEY (id)").await;
    assert_eq!(failure(&client, "ALTER TABLE nobody ADD PRIMARY KEY (id)").await.0, "42P01");
}

#[tokio::test]
async fn lengths_of_texts_are_in_bytes() {
    let double = double_without_lint().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a VARCHAR(4), b TEXT)").await;
    run(&client, "INSERT INTO t (a) SELECT 'äö'").await;
    run(&client, "INSERT INTO t (a) SELECT 'ab       '").await;
    for text in ["'äöü'", "'🎵x'"] {
        let (code, message) = failure(&client, &format!("INSERT INTO t (a) SELECT {text}")).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("22001", "value too long for type character varying(4)")
        );
        let sql = format!("INSERT INTO t (a) SELECT x.a FROM (SELECT {text}::VARCHAR(20) AS a) x");
        assert_eq!(failure(&client, &sql).await.0, "22001");
        assert_eq!(failure(&client, &format!("UPDATE t SET a = {text}")).await.0, "22001");
    }
    assert_eq!(rows(&client, "SELECT 'äöü'::VARCHAR(5)").await, ["äö"]);
    let sql = "SELECT character_maximum_length FROM svv_columns WHERE table_name = 't' AND column_name = 'b'";
    assert_eq!(rows(&client, sql).await, ["256"]);
}

#[tokio::test]
async fn comparisons_of_texts_ignore_blanks_at_the_end() {
    let double = double().await;
    let client = connect(&double).await;
    run(
        &client,
        "CREATE TABLE t (a VARCHAR(9)); INSERT INTO t SELECT 'a ' UNION ALL SELECT 'a' UNION ALL SELECT 'B'",
    )
    .await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t WHERE a = 'a'").await, ["2"]);
    assert_eq!(rows(&client, "SELECT COUNT(DISTINCT a) FROM t").await, ["2"]);
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM (SELECT a FROM t GROUP BY a) x").await, ["2"]);
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t JOIN t u ON t.a = u.a").await, ["5"]);
    assert_eq!(rows(&client, "SELECT a FROM t ORDER BY a, OCTET_LENGTH(a)").await, ["B", "a", "a "]);
    assert_eq!(rows(&client, "SELECT SUM(OCTET_LENGTH(a)) FROM t").await, ["4"], "they stay in the values");
    for setting in ["enable_hashjoin", "enable_mergejoin", "enable_nestloop"] {
        assert_eq!(failure(&client, &format!("SET {setting} = off")).await.0, "42704");
    }
}

#[tokio::test]
async fn averages_of_integers_are_cut_and_floats_have_fifteen_digits() {
    let double = double_without_lint().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT, b BIGINT, c FLOAT8)").await;
    run(
        &client,
        "INSERT INTO t SELECT 1, 1, 0.1 UNION ALL SELECT 2, 2, 0.2 UNION ALL SELECT NULL, NULL, NULL",
    )
    .await;
    assert_eq!(rows(&client, "SELECT AVG(a), AVG(b), AVG(c) FROM t").await, ["1|1|0.15"]);
    assert_eq!(rows(&client, "SELECT AVG(a) FROM t WHERE a > 5").await, ["-"]);
    assert_eq!(rows(&client, "SELECT SUM(c) FROM t").await, ["0.3"]);
    run(&client, "SET extra_float_digits TO 2").await;
    assert_eq!(rows(&client, "SELECT SUM(c) FROM t").await, ["0.30000000000000004"]);
}

#[tokio::test]
async fn dates_are_taken_apart_and_added_to() {
    let double = double_without_lint().await;
    let client = connect(&double).await;
    for (sql, expected) in [
        ("SELECT EXTRACT(DOW FROM TIMESTAMP '2018-11-04 01:02:03.796')", "0"),
        ("SELECT EXTRACT(weekday FROM TIMESTAMP '2018-11-03')", "6"),
        ("SELECT EXTRACT(second FROM TIMESTAMP '2018-11-04 01:02:03.796')", "3"),
        ("SELECT DATE_TRUNC('week', TIMESTAMP '2018-11-04')", "2018-10-29 00:00:00"),
        ("SELECT DATEADD(ms, 1541121934796 % 1000, TIMESTAMP 'epoch')", "1970-01-01 00:00:00.796"),
        ("SELECT DATEDIFF(day, TIMESTAMP '2018-11-01 23:59', TIMESTAMP '2018-11-02 00:01')", "1"),
        ("SELECT TIMESTAMP 'epoch' + 1541121934796 * INTERVAL '0.001 second'", "2018-11-02 01:25:34.796"),
        ("SELECT NVL(NULL, 5), NVL2(1, 2, 3)", "5|2"),
        (r"SELECT 'a\\b', 'it''s', 'tab\t.'", "a\\b|it's|tab\t."),
        ("SELECT pg_last_copy_id(), pg_last_copy_count()", "-1|0"),
        ("SELECT GETDATE() <= SYSDATE + INTERVAL '1 second'", "t"),
    ] {
        assert_eq!(rows(&client, sql).await, [expected], "{sql}");
    }
}

#[tokio::test]
async fn merge_takes_one_row_of_the_source_for_each_of_the_target() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT, b INT); CREATE TABLE s (a INT, b INT)").await;
    run(&client, "INSERT INTO t SELECT 1, 1; INSERT INTO s SELECT 1, 2 UNION ALL SELECT 2, 2").await;
    let merge = "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b \
                 WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)";
    run(&client, merge).await;
    assert_eq!(rows(&client, "SELECT a, b FROM t ORDER BY a").await, ["1|2", "2|2"]);
    run(&client, "INSERT INTO s SELECT 1, 3").await;
    assert!(failure(&client, merge).await.1.contains("Found multiple matches"));
}

#[tokio::test]
async fn names_fold_to_lower_case_even_in_quotes() {
    let double = double_without_lint().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE \"Mixed\" (\"UserId\" INT)").await;
    let sql = "SELECT table_name, column_name, data_type FROM svv_columns WHERE table_schema = 'public'";
    assert_eq!(rows(&client, sql).await, ["mixed|userid|integer"]);
    assert_eq!(
        rows(&client, "SELECT \"column\", type, \"notnull\" FROM pg_table_def WHERE tablename = 'mixed'")
            .await,
        ["userid|integer|f"]
    );
    run(&client, "SELECT userid FROM mixed").await;
}

#[tokio::test]
async fn settings_of_newer_servers_are_unknown() {
    let double = double().await;
    let client = connect(&double).await;
    for sql in
        ["SET lock_timeout = 5", "SET idle_in_transaction_session_timeout = 5", "SHOW server_version_num"]
    {
        assert_eq!(failure(&client, sql).await.0, "42704", "{sql}");
    }
    for sql in ["DISCARD ALL", "UNLISTEN *", "LISTEN a", "SELECT pg_advisory_unlock_all()"] {
        failure(&client, sql).await;
    }
    run(&client, "SET query_group TO 'load'").await;
    assert_eq!(rows(&client, "SHOW query_group").await, ["load"]);
    run(&client, "SET search_path TO public").await;
    assert_eq!(rows(&client, "SHOW search_path").await, ["public"]);
}

#[tokio::test]
async fn the_isolation_of_the_database_is_shown() {
    let double = double().await;
    let client = connect(&double).await;
    let sql = "SELECT BTRIM(db_name), BTRIM(isolation_level) FROM stv_db_isolation_level";
    assert_eq!(rows(&client, sql).await, ["dev|Snapshot Isolation"]);
}

#[tokio::test]
async fn what_breaks_our_rules_is_refused_and_not_run() {
    let double = double().await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE t (a INT)").await;
    let (code, message) = failure(&client, "INSERT INTO t (a) SELECT 1 ON CONFLICT DO NOTHING").await;
    assert_eq!(code, "42601");
    assert!(message.contains("on_conflict"), "{message}");
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM t").await, ["0"]);
}
