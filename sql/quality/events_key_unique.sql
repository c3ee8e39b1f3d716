-- name: events_key_unique
-- purpose: an event is staged once
-- tables: staging_events
SELECT COUNT(*) AS violations
FROM (
    SELECT f.session_id, f.item_in_session
    FROM staging_events f
    {{ where_touched('staging_events', 'f') }}
    GROUP BY f.session_id, f.item_in_session
    HAVING COUNT(*) > 1
) repeated
