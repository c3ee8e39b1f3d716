-- What a database of the double has besides its tables. Run by the administrator.
CREATE SCHEMA redshift_double;
GRANT USAGE ON SCHEMA redshift_double TO PUBLIC;
SET search_path TO pg_catalog;

-- Functions that PostgreSQL has not, or has with another result.

CREATE FUNCTION redshift_double.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.204000'::text
$$;

CREATE FUNCTION redshift_double.current_database() RETURNS name LANGUAGE sql STABLE AS $$ SELECT '@database@'::name $$;

CREATE FUNCTION redshift_double.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')
$$;

CREATE FUNCTION redshift_double.current_namespace() RETURNS varchar LANGUAGE sql STABLE AS $$
    SELECT '@namespace@'::varchar
$$;
CREATE FUNCTION redshift_double.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT transaction_timestamp() AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION redshift_double.len(text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;
CREATE FUNCTION redshift_double.textlen(text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;

CREATE FUNCTION redshift_double.nvl2(anyelement, anycompatible, anycompatible) RETURNS anycompatible
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END $$;

CREATE FUNCTION redshift_double.strtol(text, integer) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE $2
        WHEN 16 THEN ('x' || lpad(lower($1), 16, '0'))::bit(64)::bigint
        WHEN 10 THEN $1::bigint
    END
$$;

-- The parts of a date have many names.
CREATE FUNCTION redshift_double.date_part_name(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN lower($1) IN ('ms', 'msec', 'msecs', 'msecond', 'mseconds', 'millisec', 'millisecond', 'millisecs', 'milliseconds') THEN 'milliseconds'
        WHEN lower($1) IN ('us', 'usec', 'microsec', 'microsecs', 'microsecond', 'microseconds', 'microsecs', 'usecs') THEN 'microseconds'
        WHEN lower($1) IN ('s', 'sec', 'secs', 'second', 'seconds') THEN 'second'
        WHEN lower($1) IN ('m', 'min', 'mins', 'minute', 'minutes') THEN 'minute'
        WHEN lower($1) IN ('h', 'hr', 'hrs', 'hour', 'hours') THEN 'hour'
        WHEN lower($1) IN ('d', 'day', 'days') THEN 'day'
        WHEN lower($1) IN ('w', 'week', 'weeks') THEN 'week'
        WHEN lower($1) IN ('mon', 'mons', 'month', 'months') THEN 'month'
        WHEN lower($1) IN ('qtr', 'qtrs', 'quarter', 'quarters') THEN 'quarter'
        WHEN lower($1) IN ('y', 'yr', 'yrs', 'year', 'years') THEN 'year'
        WHEN lower($1) IN ('dw', 'dow', 'dayofweek', 'weekday') THEN 'dow'
        WHEN lower($1) IN ('doy', 'dayofyear', 'dy', 'yearday') THEN 'doy'
        ELSE lower($1)
    END
$$;

CREATE FUNCTION redshift_double.dateadd(text, bigint, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT $3 + CASE redshift_double.date_part_name($1)
        WHEN 'milliseconds' THEN make_interval(secs => ($2 / 1000)::double precision) + ($2 % 1000)::integer * interval '1 millisecond'
        WHEN 'microseconds' THEN make_interval(secs => ($2 / 1000000)::double precision) + ($2 % 1000000)::integer * interval '1 microsecond'
        WHEN 'second' THEN make_interval(secs => $2::double precision)
        WHEN 'minute' THEN make_interval(mins => $2::integer)
        WHEN 'hour' THEN make_interval(hours => $2::integer)
        WHEN 'day' THEN make_interval(days => $2::integer)
        WHEN 'week' THEN make_interval(weeks => $2::integer)
        WHEN 'month' THEN make_interval(months => $2::integer)
        WHEN 'quarter' THEN make_interval(months => 3 * $2::integer)
        WHEN 'year' THEN make_interval(years => $2::integer)
    END
$$;

-- Counts the boundaries between the two, as Redshift does.
CREATE FUNCTION redshift_double.datediff(text, timestamp, timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE redshift_double.date_part_name($1)
        WHEN 'year' THEN (extract(year FROM $3) - extract(year FROM $2))::bigint
        WHEN 'quarter' THEN (4 * (extract(year FROM $3) - extract(year FROM $2)) + extract(quarter FROM $3) - extract(quarter FROM $2))::bigint
        WHEN 'month' THEN (12 * (extract(year FROM $3) - extract(year FROM $2)) + extract(month FROM $3) - extract(month FROM $2))::bigint
        WHEN 'week' THEN ((date_trunc('week', $3)::date - date_trunc('week', $2)::date) / 7)::bigint
        WHEN 'day' THEN ($3::date - $2::date)::bigint
        WHEN 'hour' THEN (extract(epoch FROM date_trunc('hour', $3) - date_trunc('hour', $2)) / 3600)::bigint
        WHEN 'minute' THEN (extract(epoch FROM date_trunc('minute', $3) - date_trunc('minute', $2)) / 60)::bigint
        WHEN 'second' THEN extract(epoch FROM date_trunc('second', $3) - date_trunc('second', $2))::bigint
        WHEN 'milliseconds' THEN (extract(epoch FROM date_trunc('milliseconds', $3) - date_trunc('milliseconds', $2)) * 1000)::bigint
        WHEN 'microseconds' THEN (extract(epoch FROM $3 - $2) * 1000000)::bigint
    END
$$;

-- EXTRACT of a timestamp is an integer, DATE_PART a floating-point number.
CREATE FUNCTION redshift_double.extract(text, timestamp) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT trunc(date_part(redshift_double.date_part_name($1), $2))::integer
$$;
CREATE FUNCTION redshift_double.extract(text, date) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT trunc(date_part(redshift_double.date_part_name($1), $2))::integer
$$;
CREATE FUNCTION redshift_double.extract(text, interval) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT trunc(date_part(redshift_double.date_part_name($1), $2))::integer
$$;
CREATE FUNCTION redshift_double.extract(text, timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT AS $$
    SELECT date_part(redshift_double.date_part_name($1), $2)
$$;
CREATE FUNCTION redshift_double.date_part(text, timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT trunc(date_part(redshift_double.date_part_name($1), $2))
$$;
CREATE FUNCTION redshift_double.date_part(text, interval) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT date_part(redshift_double.date_part_name($1), $2)
$$;

-- AVG of integers is a whole number, without the rest.
CREATE FUNCTION redshift_double.average(numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $1[2] > 0 THEN trunc($1[1] / $1[2])::bigint END
$$;
CREATE FUNCTION redshift_double.add_to_average(numeric[], bigint) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $2 IS NULL THEN $1 ELSE ARRAY[$1[1] + $2, $1[2] + 1] END
$$;
CREATE FUNCTION redshift_double.add_to_average(numeric[], integer) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $2 IS NULL THEN $1 ELSE ARRAY[$1[1] + $2, $1[2] + 1] END
$$;
CREATE FUNCTION redshift_double.add_to_average(numeric[], smallint) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $2 IS NULL THEN $1 ELSE ARRAY[$1[1] + $2, $1[2] + 1] END
$$;
CREATE AGGREGATE redshift_double.avg(bigint) (
    SFUNC = redshift_double.add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = redshift_double.average
);
CREATE AGGREGATE redshift_double.avg(integer) (
    SFUNC = redshift_double.add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = redshift_double.average
);
CREATE AGGREGATE redshift_double.avg(smallint) (
    SFUNC = redshift_double.add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = redshift_double.average
);
CREATE AGGREGATE redshift_double.avg(double precision) (
    SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg
);
CREATE AGGREGATE redshift_double.avg(real) (
    SFUNC = float4_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg
);
CREATE AGGREGATE redshift_double.avg(numeric) (
    SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg
);

CREATE FUNCTION redshift_double.pg_cancel_backend(integer) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.pg_cancel_backend($1)::integer
$$;
CREATE FUNCTION redshift_double.pg_terminate_backend(integer) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.pg_terminate_backend($1)::integer
$$;

-- Kept in settings of the session, so that a rollback takes them back.
CREATE FUNCTION redshift_double.pg_last_copy_id() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('redshift_double.last_copy_id', true), ''), '-1')::integer
$$;
CREATE FUNCTION redshift_double.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('redshift_double.last_copy_count', true), ''), '0')::bigint
$$;

-- The lengths of texts are in bytes. Blanks at the end may be too many; an explicit cast cuts off.
CREATE FUNCTION redshift_double.too_long(integer) RETURNS character varying LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'value too long for type character varying(%)', $1 USING ERRCODE = '22001';
END
$$;
CREATE FUNCTION redshift_double.cut(character varying, integer) RETURNS character varying LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    result text := $1;
BEGIN
    WHILE octet_length(result) > $2 LOOP
        result := left(result, greatest(length(result) - greatest((octet_length(result) - $2) / 4, 1), 0));
    END LOOP;
    RETURN result;
END
$$;
CREATE FUNCTION redshift_double.bytes(character varying, integer, boolean) RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE
        WHEN $2 < 4 OR octet_length($1) <= $2 - 4 THEN $1
        WHEN $3 OR octet_length(rtrim($1, ' ')) <= $2 - 4 THEN redshift_double.cut($1, $2 - 4)
        ELSE redshift_double.too_long($2 - 4)
    END
$$;
SET allow_system_table_mods = on;
UPDATE pg_cast SET castfunc = 'redshift_double.bytes(character varying, integer, boolean)'::regprocedure
WHERE castsource = 'character varying'::regtype AND casttarget = 'character varying'::regtype;

-- Comparisons of texts ignore blanks at the end, in every operator, join, grouping and index: they are those
-- of PostgreSQL's own blank-padded texts, which are stored alike.
UPDATE pg_operator o SET oprcode = f.blank_padded, oprcanhash = o.oprcanhash
FROM (VALUES
    ('=', 'bpchareq'), ('<>', 'bpcharne'), ('<', 'bpcharlt'), ('<=', 'bpcharle'), ('>', 'bpchargt'), ('>=', 'bpcharge')
) AS v (name, function)
CROSS JOIN LATERAL (SELECT (v.function || '(character, character)')::regprocedure AS blank_padded) AS f
WHERE o.oprname = v.name AND o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype;
UPDATE pg_amproc p SET amproc = CASE p.amprocnum
    WHEN 1 THEN 'bpcharcmp(character, character)'::regprocedure
    WHEN 2 THEN 'bpchar_sortsupport(internal)'::regprocedure
    ELSE p.amproc
END
FROM pg_opfamily f
JOIN pg_am a ON a.oid = f.opfmethod
WHERE p.amprocfamily = f.oid AND f.opfname = 'text_ops' AND a.amname = 'btree'
  AND p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype;
UPDATE pg_amproc p SET amproc = CASE p.amprocnum
    WHEN 1 THEN 'hashbpchar(character)'::regprocedure
    WHEN 2 THEN 'hashbpcharextended(character, bigint)'::regprocedure
    ELSE p.amproc
END
FROM pg_opfamily f
JOIN pg_am a ON a.oid = f.opfmethod
WHERE p.amprocfamily = f.oid AND f.opfname = 'text_ops' AND a.amname = 'hash'
  AND p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype;

-- The system tables, written by the double, in the shape of the views below.

CREATE TABLE redshift_double.query_history (
    query_id bigint, transaction_id bigint, session_id integer, database_name text, query_type text, status text,
    start_us bigint, end_us bigint, error_message text, returned_rows bigint, query_text text
);
CREATE TABLE redshift_double.load_history (
    query_id bigint, transaction_id bigint, session_id integer, database_name text, status text, table_name text,
    start_us bigint, end_us bigint, data_source text, file_format text, loaded_rows bigint, loaded_bytes bigint,
    source_file_count integer, source_file_bytes bigint, file_count_scanned integer, file_bytes_scanned bigint,
    error_count bigint
);
CREATE TABLE redshift_double.load_detail (
    query_id bigint, transaction_id bigint, session_id integer, database_name text, start_us bigint, end_us bigint,
    file_name text, bytes_scanned bigint, lines_scanned bigint, splits_scanned integer, record_us bigint,
    file_etag text, file_last_modified text
);
CREATE TABLE redshift_double.load_error_detail (
    query_id bigint, transaction_id bigint, session_id integer, database_name text, start_us bigint, end_us bigint,
    table_id integer, file_name text, line_number bigint, column_name text, column_type text, column_length text,
    "position" integer, error_code integer, error_message text
);

CREATE FUNCTION redshift_double.time(bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamp 'epoch' + $1 / 1000000 * interval '1 second' + $1 % 1000000 * interval '1 microsecond'
$$;

CREATE VIEW redshift_double.sys_query_history AS
SELECT 100 AS user_id, query_id, NULL::character(320) AS query_label, transaction_id, session_id,
    database_name::character(128), query_type::character(32), status::character(10), false AS result_cache_hit,
    redshift_double.time(start_us) AS start_time, redshift_double.time(end_us) AS end_time,
    coalesce(end_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) - start_us AS elapsed_time,
    0::bigint AS queue_time,
    coalesce(end_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) - start_us AS execution_time,
    left(error_message, 512)::character(512) AS error_message, returned_rows, 0::bigint AS returned_bytes,
    left(query_text, 4000)::character(4000) AS query_text
FROM redshift_double.query_history;

CREATE VIEW redshift_double.sys_load_history AS
SELECT 100 AS user_id, query_id, transaction_id, session_id, database_name::text, status::text, table_name::text,
    redshift_double.time(start_us) AS start_time, redshift_double.time(end_us) AS end_time,
    coalesce(end_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) - start_us AS duration,
    data_source::text, file_format::character(16), loaded_rows, loaded_bytes, source_file_count, source_file_bytes,
    file_count_scanned, file_bytes_scanned, error_count, NULL::bigint AS copy_job_id
FROM redshift_double.load_history;

CREATE VIEW redshift_double.sys_load_detail AS
SELECT 100 AS user_id, query_id, left(file_name, 256)::character(256) AS file_name, bytes_scanned::integer,
    lines_scanned::integer, splits_scanned, redshift_double.time(record_us) AS record_time,
    redshift_double.time(start_us) AS start_time, redshift_double.time(record_us) AS end_time,
    file_etag::character(64), to_timestamp(file_last_modified, 'Dy, DD Mon YYYY HH24:MI:SS')::timestamp AS file_last_modified
FROM redshift_double.load_detail;

CREATE VIEW redshift_double.sys_load_error_detail AS
SELECT 100 AS user_id, query_id, transaction_id, session_id, database_name::character(64), table_id,
    redshift_double.time(start_us) AS start_time, left(file_name, 256)::character(256) AS file_name, line_number,
    column_name::character(127), column_type::character(10), column_length::character(10), "position", error_code,
    left(error_message, 512)::character(512) AS error_message
FROM redshift_double.load_error_detail;

CREATE TABLE redshift_double.stv_slices (node integer, slice integer, localslice integer, type character(1));
INSERT INTO redshift_double.stv_slices SELECT 0, n, n, 'D' FROM generate_series(0, @slices@ - 1) AS n;

CREATE VIEW redshift_double.stv_db_isolation_level AS
SELECT '@database@'::character(128) AS db_name, '@isolation@'::character(20) AS isolation_level;

CREATE VIEW redshift_double.stv_sessions AS
SELECT backend_start::timestamp AS starttime, pid AS process, usename::character(50) AS user_name,
    '@database@'::character(50) AS db_name, 0 AS timeout_sec
FROM pg_stat_activity
WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend';

CREATE VIEW redshift_double.stv_recents AS
SELECT 100 AS userid, (CASE state WHEN 'active' THEN 'Running' ELSE 'Done' END)::character(20) AS status,
    query_start::timestamp AS starttime, 0 AS duration, usename::character(50) AS user_name,
    '@database@'::character(50) AS db_name, left(query, 600)::character(600) AS query, pid
FROM pg_stat_activity
WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend';

CREATE VIEW redshift_double.svv_transactions AS
SELECT a.usename::text AS txn_owner, '@database@'::text AS txn_db, coalesce(a.backend_xid::text::bigint, a.pid) AS xid,
    l.pid, a.xact_start::timestamp AS txn_start, l.mode::text AS lock_mode,
    (CASE WHEN l.relation IS NULL THEN 'transactionid' ELSE 'relation' END)::text AS lockable_object_type,
    l.relation::integer AS relation, l.granted
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
  AND (l.relation IS NULL OR l.relation >= 16384) AND l.locktype IN ('relation', 'transactionid');

CREATE VIEW redshift_double.svv_tables AS
SELECT '@database@'::text AS table_catalog, table_schema::text, table_name::text, table_type::text, ''::text AS remarks
FROM information_schema.tables
WHERE table_schema <> 'redshift_double';

CREATE VIEW redshift_double.svv_columns AS
SELECT '@database@'::text AS table_catalog, table_schema::text, table_name::text, column_name::text,
    ordinal_position::integer, column_default::text, is_nullable::text, data_type::text,
    character_maximum_length::integer, numeric_precision::integer, numeric_precision_radix::integer,
    numeric_scale::integer, datetime_precision::integer, interval_type::text, ''::text AS remarks
FROM information_schema.columns
WHERE table_schema <> 'redshift_double';

-- Only the schemas of the search path.
CREATE VIEW redshift_double.pg_table_def AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
    format_type(a.atttypid, a.atttypmod) AS type, 'none'::text AS encoding, false AS distkey, 0 AS sortkey,
    a.attnotnull AS notnull
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND n.nspname = ANY (current_schemas(true));

GRANT SELECT ON ALL TABLES IN SCHEMA redshift_double TO PUBLIC;
REVOKE SELECT ON redshift_double.query_history, redshift_double.load_history, redshift_double.load_detail,
    redshift_double.load_error_detail FROM PUBLIC;
