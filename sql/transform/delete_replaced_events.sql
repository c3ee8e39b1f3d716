-- name: delete_replaced_events
-- purpose: take those events out of staging
DELETE FROM staging_events
USING sparkify_run_replaced_events
WHERE staging_events.session_id = sparkify_run_replaced_events.session_id
  AND staging_events.item_in_session = sparkify_run_replaced_events.item_in_session
