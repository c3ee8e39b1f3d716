-- name: artists_reconcile_with_staging
-- purpose: there are as many artists as artist ids in staging
SELECT ABS(
    (SELECT COUNT(*) FROM artists)
    - (SELECT COUNT(DISTINCT {{ trim('artist_id') }}) FROM staging_songs)
) AS violations
