-- name: touch_songs
-- purpose: note the songs of the records that this run adds or takes out
INSERT INTO sparkify_run_touched_songs (song_id)
SELECT DISTINCT t.song_id
FROM (
    SELECT {{ trim('song_id') }} AS song_id FROM {{ songs }}{% if changed_songs %}

    UNION ALL
    SELECT {{ trim('song_id') }} AS song_id FROM sparkify_run_replaced_songs{% endif %}

) t
