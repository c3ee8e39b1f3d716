-- name: add_loaded_files
-- purpose: note the files of this run
INSERT INTO loaded_files ({{ columns('loaded_files') }})
SELECT {{ columns('loaded_files') }}
FROM sparkify_run_loaded_files
