-- name: delete_gone_artists
-- purpose: take out artists that no record has any more
DELETE FROM artists
WHERE artist_id IN (SELECT artist_id FROM sparkify_run_touched_artists)
  AND NOT EXISTS (SELECT 1 FROM staging_songs s WHERE {{ trim('s.artist_id') }} = artists.artist_id)
