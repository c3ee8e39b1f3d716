-- name: songplays_song_and_artist_agree
-- purpose: a play has both a song and its artist, or neither
-- tables: songplays songs
SELECT COUNT(*) AS violations
FROM songplays f
LEFT JOIN songs s ON s.song_id = f.song_id
WHERE COALESCE(f.artist_id, '') <> COALESCE(s.artist_id, ''){{ and_touched('songplays', 'f', refers('songs', 'f.song_id', touches_songs)) }}
