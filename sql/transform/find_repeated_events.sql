-- name: find_repeated_events
-- purpose: find the event keys that this run delivers more than once or that are staged already
INSERT INTO sparkify_run_repeated_events (session_id, item_in_session)
SELECT session_id, item_in_session
FROM sparkify_run_events
GROUP BY session_id, item_in_session
HAVING COUNT(*) > 1
UNION
SELECT b.session_id, b.item_in_session
FROM sparkify_run_events b
JOIN staging_events s ON b.session_id = s.session_id AND b.item_in_session = s.item_in_session{{ and_between('s.session_id', sessions) }}
