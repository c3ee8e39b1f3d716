-- name: insert_songs
-- purpose: add the rows that appear for the first time
INSERT INTO songs (id, song_id, title, artist_id, year, duration)
SELECT b.id, b.song_id, b.title, b.artist_id, b.year, b.duration
FROM sparkify_run_chosen_songs b
WHERE NOT EXISTS (SELECT 1 FROM songs known WHERE known.song_id = b.song_id)
