-- name: touch_artists
-- purpose: note the artists of the records that this run adds or takes out
INSERT INTO sparkify_run_touched_artists (artist_id)
SELECT DISTINCT t.artist_id
FROM (
    SELECT {{ trim('artist_id') }} AS artist_id FROM {{ songs }}{% if changed_songs %}

    UNION ALL
    SELECT {{ trim('artist_id') }} AS artist_id FROM sparkify_run_replaced_songs{% endif %}

) t
