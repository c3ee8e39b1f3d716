-- name: find_replaced_events
-- purpose: remember the staged events that a changed file delivers anew
INSERT INTO sparkify_run_replaced_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events', 's') }}
FROM staging_events s
JOIN (SELECT DISTINCT session_id, item_in_session FROM sparkify_run_changed_events) c
  ON s.session_id = c.session_id AND s.item_in_session = c.item_in_session
