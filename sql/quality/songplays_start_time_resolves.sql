-- name: songplays_start_time_resolves
-- purpose: start_time of songplays resolves to a row of time
-- tables: songplays time
SELECT COUNT(*) AS violations
FROM songplays f
LEFT JOIN time d ON d.start_time = f.start_time
WHERE f.start_time IS NOT NULL AND d.start_time IS NULL{{ and_touched('songplays', 'f', refers('time', 'f.start_time', changed_events)) }}
