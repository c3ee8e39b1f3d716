-- name: add_kept_songs
-- purpose: put the kept ones back
INSERT INTO sparkify_run_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM sparkify_run_kept_songs
