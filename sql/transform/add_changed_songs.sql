-- name: add_changed_songs
-- purpose: load the changed files like new ones
INSERT INTO sparkify_run_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM sparkify_run_changed_songs
