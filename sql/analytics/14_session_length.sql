-- name: session_length
-- purpose: how long sessions last, in minutes from the first event to the last
-- chart: bar
SELECT
    CASE b.bucket
        WHEN 0 THEN '0 (one event)'
        WHEN 1 THEN 'up to 5'
        WHEN 2 THEN 'up to 15'
        WHEN 3 THEN 'up to 30'
        WHEN 4 THEN 'up to 60'
        WHEN 5 THEN 'up to 120'
        WHEN 6 THEN 'up to 240'
        ELSE 'over 240'
    END AS minutes,
    COUNT(*) AS sessions
FROM (
    SELECT
        CASE
            WHEN s.events = 1 THEN 0
            WHEN s.milliseconds <= 300000 THEN 1
            WHEN s.milliseconds <= 900000 THEN 2
            WHEN s.milliseconds <= 1800000 THEN 3
            WHEN s.milliseconds <= 3600000 THEN 4
            WHEN s.milliseconds <= 7200000 THEN 5
            WHEN s.milliseconds <= 14400000 THEN 6
            ELSE 7
        END AS bucket
    FROM (
        SELECT e.session_id, COUNT(*) AS events, MAX(e.ts) - MIN(e.ts) AS milliseconds
        FROM staging_events e
        GROUP BY e.session_id
    ) s
) b
GROUP BY b.bucket
ORDER BY b.bucket
