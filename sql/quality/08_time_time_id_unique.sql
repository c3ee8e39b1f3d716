-- name: time_time_id_unique
-- purpose: time_id is the key of time: no value twice
SELECT COUNT(*) - COUNT(DISTINCT time_id) AS violations
FROM time
