-- name: songs_id_unique
-- purpose: id is the key of songs: no value twice
SELECT COUNT(*) - COUNT(DISTINCT id) AS violations
FROM songs
