-- name: songs_song_id_unique
-- purpose: song_id is the key of songs: no value twice
SELECT COUNT(*) - COUNT(DISTINCT song_id) AS violations
FROM songs
