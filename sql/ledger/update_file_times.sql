-- name: update_file_times
-- purpose: note the present times of files whose content is as it was
UPDATE loaded_files
SET modified_ns = t.modified_ns
FROM sparkify_run_file_times t
WHERE loaded_files.path = t.path
