-- name: choose_users
-- purpose: of each user this run touches take the newest event by (ts, session_id, item_in_session) of all that are staged
INSERT INTO batch_users (id, user_id, first_name, last_name, gender, level)
SELECT
    COALESCE(
        known.id,
        highest.id + ROW_NUMBER() OVER (
            PARTITION BY CASE WHEN known.id IS NULL THEN 1 ELSE 0 END
            ORDER BY chosen.user_id
        )
    ) AS id,
    chosen.user_id, chosen.first_name, chosen.last_name, chosen.gender, chosen.level
FROM (
    SELECT
        e.user_id, e.first_name, e.last_name, e.gender, e.level,
        ROW_NUMBER() OVER (
            PARTITION BY e.user_id
            ORDER BY e.session_id DESC, e.item_in_session DESC
        ) AS preference
    FROM staging_events e
    JOIN (
        SELECT user_id, MAX(ts) AS ts
        FROM staging_events
        WHERE user_id IN (
            SELECT user_id FROM {{ batch_events }} WHERE user_id IS NOT NULL
            UNION
            SELECT user_id FROM batch_replaced_events WHERE user_id IS NOT NULL
        )
        GROUP BY user_id
    ) newest ON newest.user_id = e.user_id AND newest.ts = e.ts
) chosen
LEFT JOIN users known ON known.user_id = chosen.user_id
CROSS JOIN (SELECT COALESCE(MAX(id), 0) AS id FROM users) highest
WHERE chosen.preference = 1
