-- name: songplays_song_id_resolves
-- purpose: song_id of songplays resolves to a row of songs, unless it is NULL
-- tables: songplays songs
SELECT COUNT(*) AS violations
FROM songplays f
LEFT JOIN songs d ON d.song_id = f.song_id
WHERE f.song_id IS NOT NULL AND d.song_id IS NULL{{ and_touched('songplays', 'f', refers('songs', 'f.song_id', changed_songs)) }}
