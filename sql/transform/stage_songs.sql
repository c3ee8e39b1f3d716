-- name: stage_songs
-- purpose: add the new song records to staging
INSERT INTO staging_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM sparkify_run_songs
