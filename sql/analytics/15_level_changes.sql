-- name: level_changes
-- purpose: users who went from free to paid or back
-- chart: table
SELECT
    c.user_id,
    u.first_name,
    u.last_name,
    c.from_level,
    c.to_level,
    {{ timestamp('c.ts') }} AS changed_at
FROM (
    SELECT
        e.user_id,
        e.ts,
        e.session_id,
        e.item_in_session,
        LAG({{ trim('e.level') }}) OVER (
            PARTITION BY e.user_id
            ORDER BY e.ts, e.session_id, e.item_in_session
        ) AS from_level,
        {{ trim('e.level') }} AS to_level
    FROM staging_events e
    WHERE e.user_id IS NOT NULL
) c
JOIN users u ON u.user_id = c.user_id
WHERE c.from_level <> c.to_level
ORDER BY c.user_id, c.ts, c.session_id, c.item_in_session
