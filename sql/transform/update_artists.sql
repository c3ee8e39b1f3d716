-- name: update_artists
-- purpose: bring known rows up to date; the surrogate id stays
UPDATE artists
SET name = b.name, location = b.location, latitude = b.latitude, longitude = b.longitude
FROM sparkify_run_chosen_artists b
WHERE artists.artist_id = b.artist_id
  AND ({{ any_differs('artists', ['name', 'location', 'latitude', 'longitude'], 'artists', 'b') }})
