-- name: find_conflicting_events
-- purpose: find the keys that stand for two different events, a data error: each delivery is compared with the chosen one
INSERT INTO sparkify_run_conflicting_events (session_id, item_in_session)
SELECT DISTINCT k.session_id, k.item_in_session
FROM sparkify_run_kept_events k
JOIN sparkify_run_events b ON b.session_id = k.session_id AND b.item_in_session = k.item_in_session
WHERE NOT ({{ same_row('staging_events', 'b', 'k') }})
