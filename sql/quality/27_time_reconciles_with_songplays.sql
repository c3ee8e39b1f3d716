-- name: time_reconciles_with_songplays
-- purpose: there are as many rows of time as start times of plays
SELECT ABS(
    (SELECT COUNT(*) FROM time)
    - (SELECT COUNT(DISTINCT start_time) FROM songplays)
) AS violations
