-- name: keep_one_of_repeated_events
-- purpose: of each repeated event keep one, unless it is staged already
INSERT INTO batch_kept_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM (
    SELECT
        {{ columns('staging_events', 'd') }},
        d.staged,
        ROW_NUMBER() OVER (
            PARTITION BY d.session_id, d.item_in_session
            ORDER BY d.staged DESC, {{ order_columns('staging_events', 'd') }}
        ) AS delivery
    FROM (
        SELECT {{ columns('staging_events', 'b') }}, 0 AS staged
        FROM batch_events b
        JOIN batch_repeated_events r ON b.session_id = r.session_id AND b.item_in_session = r.item_in_session
        UNION ALL
        SELECT {{ columns('staging_events', 's') }}, 1 AS staged
        FROM staging_events s
        JOIN batch_repeated_events r ON s.session_id = r.session_id AND s.item_in_session = r.item_in_session
    ) d
) ranked
WHERE delivery = 1 AND staged = 0
