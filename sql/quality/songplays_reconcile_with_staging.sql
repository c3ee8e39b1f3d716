-- name: songplays_reconcile_with_staging
-- purpose: there are as many plays as staged NextSong events with a user
-- tables: songplays staging_events
SELECT ABS(
    (SELECT COUNT(*) FROM songplays f {{ where_touched('songplays', 'f') }})
    - (SELECT COUNT(*) FROM staging_events e WHERE {{ is_play('e') }}{{ and_touched('staging_events', 'e') }})
) AS violations
