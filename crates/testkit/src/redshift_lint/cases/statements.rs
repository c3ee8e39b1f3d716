//! The statement as a whole, names, transactions and time.

use super::{Case, case};

pub(super) fn whole() -> Vec<Case> {
    let long = |blanks: usize| format!("SELECT 1{}", " ".repeat(blanks));
    vec![
        case(
            "unterminated",
            &["SELECT 'a", "SELECT \"a", "SELECT (1", "SELECT 1)", r"SELECT 'a\'"],
            &["SELECT 'a'"],
        ),
        case("nested_comment", &["SELECT 1 /* a /* b */ */"], &["SELECT 1 /* a */ /* b */ -- /* c"]),
        case("odd_character", &["SELECT\u{a0}1"], &["SELECT '\u{a0}'"]),
        Case {
            rule: "statement_too_long",
            bites: vec![long(16 * 1024 * 1024)],
            passes: vec![long(16 * 1024 * 1024 - 8)],
        },
        case("empty_statement", &["", " -- nothing"], &["SELECT 1"]),
        case(
            "several_statements",
            &["SELECT 1; SELECT 2", "VACUUM users; ANALYZE users"],
            &["SELECT ';';", "SELECT 1;;"],
        ),
        case(
            "unsupported_command",
            &[
                "DISCARD ALL",
                "UNLISTEN *",
                "LISTEN load",
                "DO something",
                "REINDEX users",
                "VALUES (1)",
                "PRAGMA x",
            ],
            &[
                "ANALYZE users",
                "VACUUM users",
                "(SELECT 1) UNION ALL (SELECT 2)",
                "CANCEL 4711",
                "SHOW search_path",
            ],
        ),
        case("parameter", &["SELECT $1", "SELECT level FROM users WHERE user_id = ?"], &["SELECT '$1', '?'"]),
        case(
            "backslash",
            &[r"SELECT 'a\b'", r"SELECT 'a\nb'", r"SELECT 'a\\\b'", r"SELECT 'it\'s'"],
            &[r"SELECT 'a\\b'", r"SELECT 'a\\\\b'", "SELECT 'it''s'"],
        ),
        case(
            "literal_form",
            &[r"SELECT E'a\\b'", "SELECT b'101'", "SELECT x'1f'", "SELECT $$a$$", "SELECT U&'a'"],
            &["SELECT 'a' AS e, TIMESTAMP '2018-11-01 00:00:00'"],
        ),
    ]
}

pub(super) fn names() -> Vec<Case> {
    let (fits, long) = ("x".repeat(127), "x".repeat(128));
    vec![
        case(
            "mixed_case_name",
            &["SELECT 1 AS \"userId\"", "CREATE TABLE \"Users\" (id BIGINT)"],
            &["SELECT 1 AS \"user id\"", "SELECT 1 AS userId"],
        ),
        Case {
            rule: "name_too_long",
            bites: vec![format!("SELECT 1 AS {long}")],
            passes: vec![format!("SELECT 1 AS {fits}")],
        },
        case(
            "reserved_word",
            &[
                "SELECT tag FROM songs",
                "SELECT timestamp FROM songs",
                "SELECT level AS user FROM users",
                "SELECT level AS start FROM users",
                "SELECT 1 FROM users AS new",
                "SELECT 1 FROM users connect",
                "CREATE TABLE t (language VARCHAR(2))",
                "CREATE TABLE t (timestamp TIMESTAMP)",
                "INSERT INTO t (id, offset) SELECT 1, 2",
                "DELETE FROM user",
                "ALTER TABLE users ADD COLUMN open INTEGER",
                "CREATE TABLE t (a INTEGER, user BIGINT)",
                "SELECT 1 FROM permissions",
            ],
            &[
                "SELECT s.tag FROM songs s",
                "SELECT \"tag\" FROM songs",
                "SELECT CAST(level AS TIMESTAMP), level::TIMESTAMP FROM users",
                "SELECT time, users, songs, level, session, location, length, year, month, day, hour, week, weekday, status, method, page, auth FROM t",
                "SELECT TIMESTAMP 'epoch'",
                "SELECT user",
                "CREATE TABLE time (day INTEGER, weekday INTEGER)",
                "SELECT id FROM users LIMIT 1 OFFSET 1",
                "SELECT 1 FROM users u LEFT JOIN artists a ON u.id = a.id CROSS JOIN songs",
            ],
        ),
        case(
            "system_column",
            &[
                "CREATE TABLE t (oid BIGINT)",
                "SELECT ctid FROM users",
                "SELECT u.xmin FROM users u",
                "SELECT 1 AS tableoid",
            ],
            &["SELECT oid, relname FROM pg_class", "SELECT id AS object_id FROM users"],
        ),
    ]
}

pub(super) fn session() -> Vec<Case> {
    vec![
        case(
            "savepoint",
            &["SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "ROLLBACK TO a", "RELEASE SAVEPOINT a"],
            &["ROLLBACK", "COMMIT"],
        ),
        case(
            "isolation_level",
            &[
                "BEGIN ISOLATION LEVEL SERIALIZABLE",
                "START TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            ],
            &["BEGIN", "BEGIN READ ONLY", "START TRANSACTION"],
        ),
        case("deferrable", &["BEGIN READ ONLY DEFERRABLE"], &["BEGIN READ ONLY"]),
        case(
            "unknown_parameter",
            &[
                "SET lock_timeout TO 1000",
                "SET idle_in_transaction_session_timeout = 0",
                "SET statement_timeout 5",
            ],
            &[
                "SET statement_timeout TO 5000",
                "SET search_path = analytics",
                "SET query_group TO 'sparkify'",
                "SET timezone TO 'UTC'",
                "SET LOCAL statement_timeout TO 1",
                "RESET query_group",
            ],
        ),
        case(
            "lock_of_data",
            &["LOCK users", "LOCK TABLE load_lock, songplays"],
            &["LOCK load_lock", "LOCK TABLE etl.load_lock"],
        ),
        case(
            "lock_mode",
            &["LOCK load_lock IN ACCESS EXCLUSIVE MODE", "LOCK load_lock NOWAIT"],
            &["LOCK load_lock;"],
        ),
        case(
            "date_part",
            &[
                "SELECT EXTRACT(isodow FROM start_time) FROM time",
                "SELECT DATE_TRUNC('fortnight', start_time) FROM time",
                "SELECT DATEADD(julian, 1, start_time) FROM time",
            ],
            &["SELECT EXTRACT(dow FROM start_time), DATE_TRUNC('week', start_time) FROM time"],
        ),
        case(
            "weekday",
            &[
                "SELECT EXTRACT(weekday FROM start_time) FROM time",
                "SELECT DATE_PART('weekday', start_time) FROM time",
            ],
            &["SELECT EXTRACT(dow FROM start_time) AS weekday FROM time"],
        ),
        case(
            "interval_literal",
            &[
                "SELECT start_time + INTERVAL 1 DAY FROM time",
                "SELECT start_time + INTERVAL 'P1D' FROM time",
                "SELECT start_time + INTERVAL (id) DAY FROM time",
                "SELECT INTERVAL '1 fortnight'",
                "SELECT INTERVAL ''",
            ],
            &[
                "SELECT start_time + INTERVAL '0.001 second' FROM time",
                "SELECT INTERVAL '1' DAY, INTERVAL '7 days, 3 hours', INTERVAL '1w, 1h'",
            ],
        ),
    ]
}
