-- name: last_query
-- purpose: what became of the last statement of a session
SELECT BTRIM(status) AS status, BTRIM(error_message) AS error_message
FROM sys_query_history
WHERE session_id = {{ session_id }} AND start_time >= {{ literal(since) }}
ORDER BY start_time DESC
LIMIT 1
