-- name: conflicting_keys
-- purpose: query: the keys that stand for two different events
SELECT session_id, item_in_session
FROM sparkify_run_conflicting_events
ORDER BY session_id, item_in_session
