-- name: load_error_detail
-- purpose: the records that a COPY of a session has refused
SELECT
    BTRIM(file_name) AS file_name,
    line_number,
    BTRIM(column_name) AS column_name,
    BTRIM(column_type) AS column_type,
    BTRIM(column_length) AS column_length,
    position,
    error_code,
    BTRIM(error_message) AS error_message
FROM sys_load_error_detail
WHERE session_id = {{ session_id }} AND start_time >= {{ literal(since) }}
ORDER BY start_time, file_name, line_number
LIMIT 20
