-- name: delete_gone_time
-- purpose: take out start times that no play has any more
DELETE FROM time
WHERE time_id IN (SELECT ts FROM batch_replaced_events)
  AND NOT EXISTS (SELECT 1 FROM songplays p WHERE p.start_time = time.start_time)
