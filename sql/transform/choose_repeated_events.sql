-- name: choose_repeated_events
-- purpose: of each repeated event choose one delivery: the staged one, or the first in the order of the columns
INSERT INTO sparkify_run_kept_events ({{ columns('staging_events') }}, staged)
SELECT {{ columns('staging_events') }}, staged
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
        FROM sparkify_run_events b
        JOIN sparkify_run_repeated_events r ON b.session_id = r.session_id AND b.item_in_session = r.item_in_session
        UNION ALL
        SELECT {{ columns('staging_events', 's') }}, 1 AS staged
        FROM staging_events s
        JOIN sparkify_run_repeated_events r ON s.session_id = r.session_id AND s.item_in_session = r.item_in_session{{ and_between('s.session_id', sessions) }}

    ) d
) ranked
WHERE delivery = 1
