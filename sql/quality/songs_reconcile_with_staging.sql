-- name: songs_reconcile_with_staging
-- purpose: there are as many songs as song ids in staging
-- tables: songs staging_songs
SELECT ABS(
    (SELECT COUNT(*) FROM songs f {{ where_touched('songs', 'f') }})
    - (
        SELECT COUNT(DISTINCT {{ trim('s.song_id') }})
        FROM staging_songs s
        {% if touched %}WHERE {{ trim('s.song_id') }} IN (SELECT song_id FROM sparkify_run_touched_songs){% endif %}

    )
) AS violations
