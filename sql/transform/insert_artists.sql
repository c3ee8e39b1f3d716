-- name: insert_artists
-- purpose: add the rows that appear for the first time
INSERT INTO artists (id, artist_id, name, location, latitude, longitude)
SELECT b.id, b.artist_id, b.name, b.location, b.latitude, b.longitude
FROM sparkify_run_chosen_artists b
WHERE NOT EXISTS (SELECT 1 FROM artists known WHERE known.artist_id = b.artist_id)
