-- name: add_kept_songs
-- purpose: put the kept ones back
INSERT INTO batch_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM batch_kept_songs
