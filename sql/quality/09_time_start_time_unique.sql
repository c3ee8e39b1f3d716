-- name: time_start_time_unique
-- purpose: start_time is the key of time: no value twice
SELECT COUNT(*) - COUNT(DISTINCT start_time) AS violations
FROM time
