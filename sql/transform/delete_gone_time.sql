-- name: delete_gone_time
-- purpose: take out start times that no play has any more
DELETE FROM time
WHERE time_id IN (SELECT time_id FROM sparkify_run_touched_time)
  AND NOT EXISTS (SELECT 1 FROM songplays p WHERE p.start_time = time.start_time)
