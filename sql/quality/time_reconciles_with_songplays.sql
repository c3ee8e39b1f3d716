-- name: time_reconciles_with_songplays
-- purpose: there are as many rows of time as start times of plays
-- tables: time songplays
SELECT ABS(
    (SELECT COUNT(*) FROM time f {{ where_touched('time', 'f') }})
    - {% if not touched %}(SELECT COUNT(DISTINCT start_time) FROM songplays){% elif changed_events %}(
        SELECT COUNT(*)
        FROM sparkify_run_touched_time t
        WHERE EXISTS (SELECT 1 FROM songplays p WHERE p.start_time = t.start_time)
    ){% else %}(SELECT COUNT(*) FROM sparkify_run_touched_time){% endif %}

) AS violations
