-- name: weekly_active_users
-- purpose: users with an event, by week from its Monday, UTC
-- chart: line
SELECT
    a.monday,
    CAST(SUM(a.plays) AS BIGINT) AS plays,
    COUNT(DISTINCT CASE WHEN a.plays = 1 THEN a.user_id END) AS users_with_play,
    COUNT(DISTINCT a.user_id) AS active_users
FROM (
    SELECT
        e.user_id,
        CAST(DATE_TRUNC('week', {{ timestamp('e.ts') }}) AS DATE) AS monday,
        CASE WHEN {{ is_play('e') }} THEN 1 ELSE 0 END AS plays
    FROM staging_events e
    WHERE e.user_id IS NOT NULL
) a
GROUP BY a.monday
ORDER BY a.monday
