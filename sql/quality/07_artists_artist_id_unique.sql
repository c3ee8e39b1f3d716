-- name: artists_artist_id_unique
-- purpose: artist_id is the key of artists: no value twice
SELECT COUNT(*) - COUNT(DISTINCT artist_id) AS violations
FROM artists
