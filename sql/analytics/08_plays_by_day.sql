-- name: plays_by_day
-- purpose: plays by day, UTC
-- chart: line
SELECT CAST(p.start_time AS DATE) AS day, COUNT(*) AS plays
FROM songplays p
GROUP BY CAST(p.start_time AS DATE)
ORDER BY CAST(p.start_time AS DATE)
