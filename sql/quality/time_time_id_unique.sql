-- name: time_time_id_unique
-- purpose: time_id is the key of time: no value twice
-- tables: time
SELECT COUNT(*) - COUNT(DISTINCT f.time_id) AS violations
FROM time f
{{ where_touched('time', 'f') }}
