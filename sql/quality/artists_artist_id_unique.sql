-- name: artists_artist_id_unique
-- purpose: artist_id is the key of artists: no value twice
-- tables: artists
SELECT COUNT(*) - COUNT(DISTINCT f.artist_id) AS violations
FROM artists f
{{ where_touched('artists', 'f') }}
