-- name: songs_song_id_unique
-- purpose: song_id is the key of songs: no value twice
-- tables: songs
SELECT COUNT(*) - COUNT(DISTINCT f.song_id) AS violations
FROM songs f
{{ where_touched('songs', 'f') }}
