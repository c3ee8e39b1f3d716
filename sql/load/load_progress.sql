-- name: load_progress
-- purpose: how far the COPY of a session has come
SELECT loaded_rows, loaded_bytes, file_count_scanned, source_file_count
FROM sys_load_history
WHERE session_id = {{ session_id }} AND BTRIM(status) = 'running'
ORDER BY start_time DESC
LIMIT 1
