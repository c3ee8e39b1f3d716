-- name: songplays_reconcile_with_staging
-- purpose: there are as many plays as staged NextSong events with a user
SELECT ABS(
    (SELECT COUNT(*) FROM songplays)
    - (SELECT COUNT(*) FROM staging_events e WHERE {{ is_play('e') }})
) AS violations
