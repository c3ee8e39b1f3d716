-- name: songs_reconcile_with_staging
-- purpose: there are as many songs as song ids in staging
SELECT ABS(
    (SELECT COUNT(*) FROM songs)
    - (SELECT COUNT(DISTINCT {{ trim('song_id') }}) FROM staging_songs)
) AS violations
