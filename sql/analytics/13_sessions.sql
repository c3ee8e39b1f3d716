-- name: sessions
-- purpose: how many sessions there are and how much happens in one
-- chart: table
SELECT
    COUNT(*) AS sessions,
    COUNT(CASE WHEN s.plays > 0 THEN 1 END) AS sessions_with_play,
    CAST(ROUND(CAST(AVG(CAST(s.events AS DOUBLE PRECISION)) AS NUMERIC(38, 6)), 2) AS DOUBLE PRECISION)
        AS average_events,
    MAX(s.events) AS most_events,
    CAST(ROUND(CAST(AVG(CAST(s.plays AS DOUBLE PRECISION)) AS NUMERIC(38, 6)), 2) AS DOUBLE PRECISION)
        AS average_plays,
    MAX(s.plays) AS most_plays
FROM (
    SELECT e.session_id, COUNT(*) AS events, COUNT(CASE WHEN {{ is_play('e') }} THEN 1 END) AS plays
    FROM staging_events e
    GROUP BY e.session_id
) s
