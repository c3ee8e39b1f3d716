-- name: choose_users
-- purpose: of each user take the newest event by (ts, session_id, item_in_session), if it is newer than the one known
INSERT INTO sparkify_run_chosen_users (
    id, user_id, first_name, last_name, gender, level, ts, session_id, item_in_session
)
SELECT
    COALESCE(
        known.id,
        highest.id + ROW_NUMBER() OVER (
            PARTITION BY CASE WHEN known.id IS NULL THEN 1 ELSE 0 END
            ORDER BY chosen.user_id
        )
    ) AS id,
    chosen.user_id, chosen.first_name, chosen.last_name, chosen.gender, chosen.level,
    chosen.ts, chosen.session_id, chosen.item_in_session
FROM (
    SELECT
        e.user_id, e.first_name, e.last_name, e.gender, e.level, e.ts, e.session_id, e.item_in_session,
        ROW_NUMBER() OVER (
            PARTITION BY e.user_id
            ORDER BY e.session_id DESC, e.item_in_session DESC
        ) AS preference
    FROM (
        {% include 'user_events' %}

    ) e
    JOIN (
        SELECT c.user_id, MAX(c.ts) AS ts
        FROM (
            {% include 'user_events' %}

        ) c
        GROUP BY c.user_id
    ) newest ON newest.user_id = e.user_id AND newest.ts = e.ts
) chosen
LEFT JOIN users known ON known.user_id = chosen.user_id
LEFT JOIN users_source source ON source.user_id = chosen.user_id
CROSS JOIN (SELECT COALESCE(MAX(id), 0) AS id FROM users) highest
WHERE chosen.preference = 1
  AND (source.user_id IS NULL
    OR chosen.ts > source.ts
    OR (chosen.ts = source.ts AND chosen.session_id > source.session_id)
    OR (chosen.ts = source.ts AND chosen.session_id = source.session_id
        AND chosen.item_in_session > source.item_in_session))
