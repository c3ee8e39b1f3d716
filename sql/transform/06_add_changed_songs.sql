-- name: add_changed_songs
-- purpose: load the changed files like new ones
INSERT INTO batch_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM batch_changed_songs
