//! Types and definitions.

use super::{Case, case};

pub(super) fn types() -> Vec<Case> {
    vec![
        case(
            "unsupported_type",
            &[
                "CREATE TABLE t (x JSON)",
                "CREATE TABLE t (x JSONB)",
                "CREATE TABLE t (x UUID)",
                "CREATE TABLE t (x BYTEA)",
                "CREATE TABLE t (x ENUM('a'))",
                "SELECT '{}'::JSONB",
                "SELECT CAST('a' AS UUID)",
                "SELECT JSON '{}'",
                "SELECT CAST(1 AS DOUBLE)",
                "ALTER TABLE users ADD COLUMN x INET",
            ],
            &[
                "CREATE TABLE t (x SUPER, y VARBYTE(16), z DOUBLE PRECISION)",
                "SELECT CAST('a' AS VARCHAR(36)) AS uuid",
                "SELECT 1::DOUBLE PRECISION",
            ],
        ),
        case(
            "serial",
            &["CREATE TABLE t (id SERIAL)", "CREATE TABLE t (id BIGSERIAL PRIMARY KEY)"],
            &["CREATE TABLE t (serial BIGINT)"],
        ),
        case(
            "unbounded_text",
            &[
                "CREATE TABLE t (x TEXT)",
                "CREATE TABLE t (x VARCHAR)",
                "CREATE TABLE t (x CHARACTER VARYING NOT NULL)",
                "SELECT id::TEXT FROM users",
                "SELECT CAST(id AS VARCHAR) FROM users",
                "ALTER TABLE users ADD COLUMN x TEXT",
            ],
            &[
                "CREATE TABLE t (text VARCHAR(20), y CHARACTER VARYING(30), z VARCHAR(MAX))",
                "SELECT id::VARCHAR(20) FROM users",
            ],
        ),
        case(
            "varchar_too_long",
            &["CREATE TABLE t (x VARCHAR(65536))"],
            &["CREATE TABLE t (x VARCHAR(65535))"],
        ),
        case(
            "char_type",
            &["CREATE TABLE t (x CHAR(2))", "CREATE TABLE t (x CHARACTER)", "SELECT level::CHAR FROM users"],
            &["CREATE TABLE t (x VARCHAR(2))", "SELECT level::CHAR(1) FROM users"],
        ),
        case(
            "bare_numeric",
            &[
                "SELECT CAST(id AS NUMERIC) FROM users",
                "CREATE TABLE t (x DECIMAL)",
                "SELECT id::DECIMAL(18) FROM users",
            ],
            &["SELECT CAST(id AS NUMERIC(18, 3)) FROM users"],
        ),
        case(
            "decimal_column",
            &["CREATE TABLE t (x DECIMAL(18, 5))"],
            &["CREATE TABLE t (x DOUBLE PRECISION)", "SELECT duration::DECIMAL(18, 5) FROM songs"],
        ),
        case(
            "single_precision_column",
            &["CREATE TABLE t (x REAL)", "CREATE TABLE t (x FLOAT4)"],
            &["CREATE TABLE t (x FLOAT8, y FLOAT)", "SELECT duration::REAL FROM songs"],
        ),
        case(
            "interval_type",
            &["SELECT CAST('1 day' AS INTERVAL)", "CREATE TABLE t (x INTERVAL)"],
            &["CREATE TABLE t (x INTERVAL DAY TO SECOND)", "SELECT INTERVAL '1 day'"],
        ),
    ]
}

pub(super) fn definitions() -> Vec<Case> {
    let many: Vec<_> = (0..401).map(|index| format!("c{index}")).collect();
    let with = |count: usize| {
        let columns: Vec<_> = many.iter().map(|name| format!("{name} INTEGER")).collect();
        format!("CREATE TABLE t ({}) SORTKEY ({})", columns.join(", "), many[..count].join(", "))
    };
    vec![
        case(
            "index",
            &["CREATE INDEX i ON users (id)", "CREATE UNIQUE INDEX i ON users (id)", "DROP INDEX i"],
            &["CREATE TABLE t (id BIGINT) SORTKEY (id)"],
        ),
        case(
            "trigger",
            &["CREATE TRIGGER t AFTER INSERT ON users EXECUTE FUNCTION f()", "DROP RULE r ON users"],
            &["DROP VIEW v"],
        ),
        case(
            "unsupported_object",
            &["CREATE TYPE t AS ENUM ('a')", "CREATE EXTENSION e", "CREATE DOMAIN d AS INTEGER"],
            &["CREATE SCHEMA s"],
        ),
        case(
            "partition",
            &[
                "CREATE TABLE t (d DATE) PARTITION BY RANGE (d)",
                "CREATE TABLE t (d DATE) INHERITS (u)",
                "CREATE TABLE t PARTITION OF u DEFAULT",
                "CREATE TABLE t (d DATE) TABLESPACE s",
            ],
            &["SELECT RANK() OVER (PARTITION BY level ORDER BY id) FROM users"],
        ),
        case(
            "table_option",
            &[
                "CREATE UNLOGGED TABLE t (d DATE)",
                "CREATE TABLE t (d DATE) WITH (fillfactor = 70)",
                "CREATE TEMP TABLE t (d DATE) ON COMMIT DROP",
            ],
            &["CREATE TEMP TABLE t (d DATE)", "CREATE TABLE t AS SELECT 1 AS x"],
        ),
        case(
            "check_constraint",
            &["CREATE TABLE t (x INTEGER CHECK (x > 0))", "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0)"],
            &["CREATE TABLE t (x INTEGER, PRIMARY KEY (x), UNIQUE (x))"],
        ),
        case(
            "exclusion_constraint",
            &["CREATE TABLE t (x INTEGER, EXCLUDE USING gist (x WITH =))"],
            &["CREATE TABLE t (x INTEGER, UNIQUE (x))"],
        ),
        case(
            "reference_action",
            &[
                "CREATE TABLE t (x INTEGER REFERENCES u (x) ON DELETE CASCADE)",
                "CREATE TABLE t (x INTEGER REFERENCES u (x) DEFERRABLE)",
            ],
            &["CREATE TABLE t (x INTEGER, FOREIGN KEY (x) REFERENCES u (x))"],
        ),
        case(
            "identity",
            &[
                "CREATE TABLE t (id BIGINT IDENTITY(0, 1))",
                "CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY(0, 1))",
            ],
            &["CREATE TABLE t (id BIGINT NOT NULL)"],
        ),
        case(
            "interleaved",
            &["CREATE TABLE t (x INTEGER, y INTEGER) INTERLEAVED SORTKEY (x, y)"],
            &["CREATE TABLE t (x INTEGER, y INTEGER) COMPOUND SORTKEY (x, y)"],
        ),
        case(
            "encode_mixed",
            &["CREATE TABLE t (x INTEGER ENCODE az64, y INTEGER)"],
            &[
                "CREATE TABLE t (x INTEGER ENCODE az64, y VARCHAR(9) ENCODE lzo, PRIMARY KEY (x))",
                "CREATE TABLE t (x INTEGER)",
            ],
        ),
        case(
            "unknown_encoding",
            &["CREATE TABLE t (x INTEGER ENCODE gzip)", "CREATE TABLE t (x INTEGER ENCODE)"],
            &["CREATE TABLE t (x INTEGER ENCODE zstd)", "CREATE TABLE t (x INTEGER) ENCODE AUTO"],
        ),
        case(
            "distribution",
            &[
                "CREATE TABLE t (x INTEGER DISTKEY, y INTEGER DISTKEY)",
                "CREATE TABLE t (x INTEGER) DISTKEY (z)",
                "CREATE TABLE t (x INTEGER) DISTSTYLE KEY",
                "CREATE TABLE t (x INTEGER) DISTSTYLE EVEN DISTKEY (x)",
                "CREATE TABLE t (x INTEGER) DISTSTYLE RANDOM",
            ],
            &[
                "CREATE TABLE t (x INTEGER) DISTSTYLE KEY DISTKEY (x)",
                "CREATE TABLE t (x INTEGER DISTKEY)",
                "CREATE TABLE t (x INTEGER) DISTSTYLE AUTO",
            ],
        ),
        Case {
            rule: "sort_key",
            bites: vec![with(401), "CREATE TABLE t (x INTEGER) SORTKEY (z)".to_owned()],
            passes: vec![with(400), "CREATE TABLE t (x INTEGER) SORTKEY AUTO".to_owned()],
        },
        case(
            "several_add_column",
            &["ALTER TABLE t ADD COLUMN x INTEGER, ADD COLUMN y INTEGER"],
            &["ALTER TABLE t ADD COLUMN x INTEGER"],
        ),
        case(
            "several_alterations",
            &["ALTER TABLE t DROP COLUMN x, DROP COLUMN y"],
            &["ALTER TABLE t DROP COLUMN x", "ALTER TABLE t ALTER SORTKEY (x), ALTER DISTKEY x"],
        ),
        case(
            "alter_if_exists",
            &[
                "ALTER TABLE IF EXISTS t ADD COLUMN x INTEGER",
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS x INTEGER",
            ],
            &["DROP TABLE IF EXISTS t", "CREATE TABLE IF NOT EXISTS t (x INTEGER)"],
        ),
        case(
            "alter_column",
            &["ALTER TABLE t ALTER COLUMN x SET NOT NULL", "ALTER TABLE t ALTER COLUMN x DROP DEFAULT"],
            &["ALTER TABLE t ALTER COLUMN x TYPE VARCHAR(20)"],
        ),
        case("rename_qualified", &["ALTER TABLE s.t RENAME TO s.u"], &["ALTER TABLE s.t RENAME TO u"]),
    ]
}
