-- name: delete_replaced_songs
-- purpose: take those song records out of staging
DELETE FROM staging_songs
WHERE {{ trim('song_id') }} IN (SELECT {{ trim('song_id') }} FROM sparkify_run_replaced_songs)
