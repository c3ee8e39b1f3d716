-- name: plays_by_week
-- purpose: plays by ISO week
-- chart: bar
-- A week belongs to the year that its Thursday is in; EXTRACT(ISOYEAR) is not in Redshift.
SELECT
    CAST(EXTRACT(YEAR FROM w.monday + INTERVAL '3 days') AS INTEGER) AS iso_year,
    w.week,
    CAST(w.monday AS DATE) AS monday,
    COUNT(*) AS plays
FROM (
    SELECT t.week, DATE_TRUNC('week', t.start_time) AS monday
    FROM songplays p
    JOIN time t ON t.start_time = p.start_time
) w
GROUP BY w.week, w.monday
ORDER BY w.monday
