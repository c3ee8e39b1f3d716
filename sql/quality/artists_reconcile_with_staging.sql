-- name: artists_reconcile_with_staging
-- purpose: there are as many artists as artist ids in staging
-- tables: artists staging_songs
SELECT ABS(
    (SELECT COUNT(*) FROM artists f {{ where_touched('artists', 'f') }})
    - (
        SELECT COUNT(DISTINCT {{ trim('s.artist_id') }})
        FROM staging_songs s
        {% if touched %}WHERE {{ trim('s.artist_id') }} IN (SELECT artist_id FROM sparkify_run_touched_artists){% endif %}

    )
) AS violations
