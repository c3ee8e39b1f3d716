-- name: delete_repeated_events
-- purpose: take all deliveries of the repeated events out of the batch
DELETE FROM batch_events
USING batch_repeated_events
WHERE batch_events.session_id = batch_repeated_events.session_id
  AND batch_events.item_in_session = batch_repeated_events.item_in_session
