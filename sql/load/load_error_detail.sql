-- name: load_error_detail
-- purpose: the records that one COPY of a session has refused, the last one if its number is not known
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
WHERE session_id = {{ session_id }}
  AND query_id = {% if query_id %}{{ query_id }}{% else %}(
    SELECT MAX(query_id)
    FROM sys_load_history
    WHERE session_id = {{ session_id }} AND start_time >= {{ literal(since) }}
  ){% endif %}

ORDER BY file_name, line_number
LIMIT 21
