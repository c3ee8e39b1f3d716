-- name: load_history
-- purpose: what the system says of a finished COPY
SELECT BTRIM(status) AS status, loaded_rows, source_file_count, error_count
FROM sys_load_history
WHERE query_id = {{ query_id }}
