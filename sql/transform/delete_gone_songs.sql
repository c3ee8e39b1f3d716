-- name: delete_gone_songs
-- purpose: take out songs that no record has any more
DELETE FROM songs
WHERE song_id IN (SELECT song_id FROM sparkify_run_touched_songs)
  AND NOT EXISTS (SELECT 1 FROM staging_songs s WHERE {{ trim('s.song_id') }} = songs.song_id)
