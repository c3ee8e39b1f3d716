-- name: forget_users_source
-- purpose: forget which events users were taken from, where these are replaced
DELETE FROM users_source
USING sparkify_run_replaced_events
WHERE users_source.session_id = sparkify_run_replaced_events.session_id
  AND users_source.item_in_session = sparkify_run_replaced_events.item_in_session
