-- name: forget_changed_files
-- purpose: take the files that changed out of the ledger, before their new content is noted
DELETE FROM loaded_files
WHERE path IN (SELECT path FROM sparkify_run_loaded_files)
