-- name: events_key_unique
-- purpose: an event is staged once
SELECT COUNT(*) AS violations
FROM (
    SELECT session_id, item_in_session
    FROM staging_events
    GROUP BY session_id, item_in_session
    HAVING COUNT(*) > 1
) repeated
