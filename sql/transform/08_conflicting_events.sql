-- name: conflicting_events
-- purpose: query: keys that stand for two different events, a data error
SELECT c.session_id, c.item_in_session, MAX(c.staged) AS staged
FROM (
    SELECT r.session_id, r.item_in_session, 0 AS staged
    FROM batch_repeated_events r
    JOIN batch_events a ON a.session_id = r.session_id AND a.item_in_session = r.item_in_session
    JOIN batch_events b ON b.session_id = r.session_id AND b.item_in_session = r.item_in_session
    WHERE NOT ({{ same_row('staging_events', 'a', 'b') }})
    UNION ALL
    SELECT r.session_id, r.item_in_session, 1 AS staged
    FROM batch_repeated_events r
    JOIN batch_events a ON a.session_id = r.session_id AND a.item_in_session = r.item_in_session
    JOIN staging_events b ON b.session_id = r.session_id AND b.item_in_session = r.item_in_session
    WHERE NOT ({{ same_row('staging_events', 'a', 'b') }})
) c
GROUP BY c.session_id, c.item_in_session
ORDER BY c.session_id, c.item_in_session
