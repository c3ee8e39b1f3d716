-- name: find_repeated_songs
-- purpose: find the song ids that this run delivers more than once or that are staged already
INSERT INTO sparkify_run_repeated_songs (song_id)
SELECT {{ trim('song_id') }}
FROM sparkify_run_songs
GROUP BY {{ trim('song_id') }}
HAVING COUNT(*) > 1
UNION
SELECT {{ trim('b.song_id') }}
FROM sparkify_run_songs b
JOIN staging_songs s ON {{ trim('b.song_id') }} = {{ trim('s.song_id') }}
