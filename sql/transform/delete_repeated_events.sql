-- name: delete_repeated_events
-- purpose: take all deliveries of the repeated events out of the batch
DELETE FROM sparkify_run_events
USING sparkify_run_repeated_events
WHERE sparkify_run_events.session_id = sparkify_run_repeated_events.session_id
  AND sparkify_run_events.item_in_session = sparkify_run_repeated_events.item_in_session
