-- name: delete_repeated_songs
-- purpose: take all deliveries of the repeated songs out of the batch
DELETE FROM sparkify_run_songs
WHERE {{ trim('song_id') }} IN (SELECT song_id FROM sparkify_run_repeated_songs)
