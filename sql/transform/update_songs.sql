-- name: update_songs
-- purpose: bring known rows up to date; the surrogate id stays
UPDATE songs
SET title = b.title, artist_id = b.artist_id, year = b.year, duration = b.duration
FROM sparkify_run_chosen_songs b
WHERE songs.song_id = b.song_id
  AND ({{ any_differs('songs', ['title', 'artist_id', 'year', 'duration'], 'songs', 'b') }})
