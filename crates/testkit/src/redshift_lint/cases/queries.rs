//! Clauses, windows, functions, and what needs a tree.

use super::{Case, case};

pub(super) fn clauses() -> Vec<Case> {
    vec![
        case(
            "on_conflict",
            &[
                "INSERT INTO users SELECT * FROM sparkify_run_chosen_users ON CONFLICT DO NOTHING",
                "INSERT INTO users SELECT * FROM sparkify_run_chosen_users ON CONFLICT (user_id) DO UPDATE SET level = 'x'",
                "INSERT OR REPLACE INTO users SELECT * FROM sparkify_run_chosen_users",
            ],
            &[
                "SELECT 1 FROM users u JOIN artists a ON u.id = a.id",
                "INSERT INTO users SELECT * FROM sparkify_run_chosen_users",
            ],
        ),
        case(
            "returning",
            &[
                "INSERT INTO users SELECT * FROM sparkify_run_chosen_users RETURNING id",
                "DELETE FROM users RETURNING *",
                "UPDATE users SET level = 'free' RETURNING id",
            ],
            &["SELECT level AS returning FROM users"],
        ),
        case(
            "distinct_on",
            &["SELECT DISTINCT ON (level) level, id FROM users"],
            &["SELECT DISTINCT level FROM users"],
        ),
        case(
            "lateral",
            &[
                "SELECT 1 FROM users u, LATERAL (SELECT 1) x",
                "SELECT 1 FROM users u LEFT JOIN LATERAL (SELECT 1) x ON TRUE",
            ],
            &["SELECT 1 FROM users u CROSS JOIN (SELECT 1) x"],
        ),
        case(
            "filter",
            &["SELECT COUNT(*) FILTER (WHERE level = 'paid') FROM users"],
            &["SELECT SUM(CASE WHEN level = 'paid' THEN 1 ELSE 0 END) FROM users"],
        ),
        case(
            "values_as_table",
            &["SELECT x FROM (VALUES (1), (2)) v (x)", "WITH v (x) AS (VALUES (1)) SELECT x FROM v"],
            &[
                "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2) v",
                "INSERT INTO load_runs (run_id) VALUES ('a')",
            ],
        ),
        case(
            "several_rows_of_values",
            &["INSERT INTO users (id) VALUES (1), (2)"],
            &["INSERT INTO users (id, user_id) VALUES (1, 2)"],
        ),
        case(
            "is_distinct_from",
            &[
                "SELECT 1 FROM users WHERE level IS DISTINCT FROM 'x'",
                "SELECT 1 FROM users WHERE level IS NOT DISTINCT FROM 'x'",
            ],
            &[
                "SELECT 1 FROM users WHERE NVL(level, '') = NVL(gender, '')",
                "SELECT DISTINCT level FROM users",
            ],
        ),
        case(
            "for_update",
            &["SELECT id FROM users FOR UPDATE", "SELECT id FROM users FOR SHARE"],
            &["SELECT SUBSTRING(level FROM 1 FOR 2) FROM users"],
        ),
        case(
            "collate",
            &["SELECT level COLLATE \"posix\" FROM users"],
            &["SELECT level FROM users ORDER BY level"],
        ),
        case(
            "with_before_insert",
            &["WITH x AS (SELECT 1 AS id) INSERT INTO users (id) SELECT id FROM x"],
            &[
                "INSERT INTO users (id) WITH x AS (SELECT 1 AS id) SELECT id FROM x",
                "WITH x AS (SELECT 1 AS id) SELECT id FROM x",
            ],
        ),
        case(
            "delete_alias",
            &[
                "DELETE FROM users u USING sparkify_run_chosen_users b WHERE u.id = b.id",
                "DELETE FROM users AS u WHERE u.id = 1",
            ],
            &[
                "DELETE FROM users USING sparkify_run_chosen_users b WHERE users.id = b.id",
                "DELETE FROM users",
                "DELETE FROM users WHERE id = 1",
            ],
        ),
        case(
            "update_set_prefix",
            &["UPDATE users SET users.level = 'free'", "UPDATE users u SET level = 'free', u.gender = NULL"],
            &["UPDATE users SET level = b.level FROM sparkify_run_chosen_users b WHERE users.id = b.id"],
        ),
        case(
            "update_outer_join",
            &[
                "UPDATE users SET level = a.level FROM sparkify_run_chosen_users a LEFT JOIN staging_events e ON a.user_id = e.user_id WHERE users.id = a.id",
                "UPDATE users SET level = a.level FROM sparkify_run_chosen_users a FULL OUTER JOIN staging_events e ON a.user_id = e.user_id WHERE users.id = a.id",
            ],
            &[
                "UPDATE users SET level = a.level FROM sparkify_run_chosen_users a JOIN staging_events e ON a.user_id = e.user_id WHERE users.id = a.id",
                "UPDATE users SET level = x.level FROM (SELECT a.id, a.level FROM sparkify_run_chosen_users a LEFT JOIN staging_events e ON a.user_id = e.user_id) x WHERE users.id = x.id",
            ],
        ),
        case(
            "array",
            &[
                "SELECT ARRAY[1, 2]",
                "SELECT level FROM users WHERE id = ANY(ARRAY[1, 2])",
                "SELECT CAST('{1}' AS INTEGER[])",
                "CREATE TABLE t (x INTEGER[])",
            ],
            &["SELECT level FROM users WHERE id IN (1, 2)", "SELECT '[1]'"],
        ),
        case(
            "count_distinct_several",
            &["SELECT COUNT(DISTINCT level, gender) FROM users"],
            &["SELECT COUNT(DISTINCT level), COUNT(DISTINCT COALESCE(level, gender)) FROM users"],
        ),
    ]
}

pub(super) fn windows() -> Vec<Case> {
    vec![
        case(
            "window_frame",
            &[
                "SELECT SUM(duration) OVER (ORDER BY id) FROM songs",
                "SELECT COUNT(*) OVER (PARTITION BY level ORDER BY id) FROM users",
                "SELECT FIRST_VALUE(level) OVER (ORDER BY id) FROM users",
                "SELECT LAST_VALUE(level IGNORE NULLS) OVER (ORDER BY id) FROM users",
            ],
            &[
                "SELECT SUM(duration) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) FROM songs",
                "SELECT SUM(duration) OVER (PARTITION BY year) FROM songs",
                "SELECT ROW_NUMBER() OVER (PARTITION BY level ORDER BY id) FROM users",
                "SELECT LAG(level) IGNORE NULLS OVER (ORDER BY id) FROM users",
                "SELECT LISTAGG(level, ',') WITHIN GROUP (ORDER BY id) OVER (PARTITION BY gender) FROM users",
            ],
        ),
        case(
            "window_frame_kind",
            &[
                "SELECT SUM(duration) OVER (ORDER BY id RANGE UNBOUNDED PRECEDING) FROM songs",
                "SELECT SUM(duration) OVER (ORDER BY id GROUPS 1 PRECEDING) FROM songs",
                "SELECT SUM(duration) OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE CURRENT ROW) FROM songs",
            ],
            &["SELECT SUM(duration) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM songs"],
        ),
        case(
            "window_frame_on_ranking",
            &[
                "SELECT RANK() OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) FROM users",
                "SELECT LAG(id) OVER (ORDER BY id ROWS 1 PRECEDING) FROM users",
            ],
            &["SELECT RANK() OVER (ORDER BY id) FROM users"],
        ),
        case(
            "window_name",
            &[
                "SELECT RANK() OVER w FROM users WINDOW w AS (ORDER BY id)",
                "SELECT RANK() OVER (w) FROM users",
            ],
            &["SELECT RANK() OVER (ORDER BY id) AS w FROM users"],
        ),
        case(
            "window_filter_of_rows",
            &[
                "SELECT id FROM users WHERE ROW_NUMBER() OVER (ORDER BY id) = 1",
                "SELECT 1 FROM users GROUP BY RANK() OVER (ORDER BY id)",
            ],
            &["SELECT id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS rn FROM users) u WHERE rn = 1"],
        ),
    ]
}

pub(super) fn functions() -> Vec<Case> {
    vec![
        case(
            "unsupported_function",
            &[
                "SELECT STRING_AGG(level, ',') FROM users",
                "SELECT array_agg(level) FROM users",
                "SELECT EVERY(id > 0) FROM users",
                "SELECT CORR(latitude, longitude) FROM artists",
                "SELECT REGEXP_MATCHES(name, 'a') FROM artists",
                "SELECT FORMAT('%s', name) FROM artists",
                "SELECT PG_SLEEP(1)",
                "SELECT pg_advisory_lock(1)",
                "SELECT gen_random_uuid()",
                "SELECT CLOCK_TIMESTAMP()",
            ],
            &[
                "SELECT LISTAGG(level, ',') FROM users",
                "SELECT name AS format FROM artists",
                "SELECT REGEXP_COUNT(name, 'a') FROM artists",
            ],
        ),
        case(
            "sequence",
            &["SELECT NEXTVAL('s')", "CREATE SEQUENCE s", "DROP SEQUENCE s"],
            &["SELECT COALESCE(MAX(id), 0) + 1 FROM users"],
        ),
        case(
            "leader_node_function",
            &[
                "INSERT INTO load_runs (published_at) SELECT NOW()",
                "SELECT AGE(start_time) FROM time",
                "SELECT start_time FROM time WHERE start_time < CURRENT_TIMESTAMP",
                "SELECT 1 FROM users WHERE current_schema() = 'public'",
                "SELECT g FROM generate_series(1, 3) g JOIN users ON users.id = g",
                "SELECT column_name FROM svv_columns WHERE table_schema = CURRENT_SCHEMA()",
            ],
            &[
                "SELECT NOW()",
                "SELECT GETDATE() FROM users",
                "SELECT current_schema(), version()",
                "SELECT generate_series(1, 3)",
                "SELECT relname FROM pg_class WHERE pg_table_is_visible(relfilenode)",
                "SELECT SYSDATE, CURRENT_DATE FROM users",
            ],
        ),
        case(
            "unknown_function",
            &["SELECT EPOCH_MS(ts) FROM staging_events", "SELECT STRFTIME(start_time, '%Y') FROM time"],
            &["SELECT TO_CHAR(start_time, 'YYYY') FROM time"],
        ),
    ]
}

pub(super) fn trees() -> Vec<Case> {
    vec![
        case(
            "syntax",
            &["SELECT level FROM users WHERE", "CREATE TABEL t (x INTEGER)", "SELECT level, FROM users"],
            &["SELECT level FROM users"],
        ),
        case(
            "unread",
            &["SELECT 1 FROM users SEMI JOIN songs ON users.id = songs.id"],
            &["SELECT 1 FROM users JOIN songs ON users.id = songs.id"],
        ),
        case(
            "avg_of_integer",
            &[
                "SELECT AVG(year) FROM songs",
                "SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM users) u",
                "SELECT AVG(x) FROM t",
            ],
            &[
                "SELECT AVG(duration) FROM songs",
                "SELECT AVG(CAST(year AS DOUBLE PRECISION)) FROM songs",
                "SELECT AVG(n) FROM (SELECT COUNT(*)::FLOAT8 AS n FROM users) u",
            ],
        ),
        case(
            "integer_division",
            &[
                "SELECT ts / 1000 FROM staging_events",
                "SELECT COUNT(*) / 2 FROM users",
                "SELECT 1 / 2",
                "SELECT ts / 1000 * INTERVAL '1 second' FROM staging_events",
            ],
            &[
                "SELECT duration / 2 FROM songs",
                "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) / 2 FROM users",
                "SELECT CAST(ts / 1000 AS BIGINT) FROM staging_events",
                "SELECT (ts / 1000)::BIGINT FROM staging_events",
                "SELECT 100.0 * COUNT(*) / 2 FROM users",
            ],
        ),
        case(
            "sum_of_bigint",
            &[
                "SELECT SUM(id) FROM users",
                "SELECT SUM(n) + 1 AS n FROM (SELECT COUNT(*) AS n FROM users) u",
                "SELECT COALESCE(SUM(ts), 0) FROM staging_events",
            ],
            &[
                "SELECT CAST(SUM(id) AS BIGINT) FROM users",
                "SELECT SUM(year) FROM songs",
                "SELECT SUM(duration) FROM songs",
                "SELECT s.n FROM (SELECT SUM(id)::BIGINT AS n FROM users) s",
                "SELECT SUM(CASE WHEN level = 'paid' THEN 1 ELSE 0 END) FROM users",
                "INSERT INTO t (x) SELECT SUM(id) FROM users",
            ],
        ),
        case(
            "dateadd_integer",
            &[
                "SELECT DATEADD(ms, 1.5, start_time) FROM time",
                "SELECT DATEADD(s, ts, start_time) FROM staging_events",
                "SELECT DATEADD(day, duration, start_time) FROM songs",
            ],
            &[
                "SELECT DATEADD(ms, CAST(ts % 1000 AS INTEGER), TIMESTAMP '1970-01-01 00:00:00') FROM staging_events",
                "SELECT DATEADD(day, 1, start_time) FROM time",
            ],
        ),
    ]
}
