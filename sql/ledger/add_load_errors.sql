-- name: add_load_errors
-- purpose: note the records that this run set aside
INSERT INTO load_errors ({{ columns('load_errors') }})
SELECT {{ columns('load_errors') }}
FROM sparkify_run_load_errors
