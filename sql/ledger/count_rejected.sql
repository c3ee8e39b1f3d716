-- name: count_rejected
-- purpose: note how many records of each file were set aside when events of this run contradicted each other
UPDATE sparkify_run_loaded_files
SET rejected = e.rejected
FROM (
    SELECT path, COUNT(*) AS rejected
    FROM sparkify_run_load_errors
    GROUP BY path
) e
WHERE sparkify_run_loaded_files.path = e.path
