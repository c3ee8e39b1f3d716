-- name: delete_repeated_songs
-- purpose: take all deliveries of the repeated songs out of the batch
DELETE FROM batch_songs
WHERE {{ trim('song_id') }} IN (SELECT song_id FROM batch_repeated_songs)
