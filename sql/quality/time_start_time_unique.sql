-- name: time_start_time_unique
-- purpose: start_time is the key of time: no value twice
-- tables: time
SELECT COUNT(*) - COUNT(DISTINCT f.start_time) AS violations
FROM time f
{% if touched %}WHERE f.start_time IN (SELECT start_time FROM sparkify_run_touched_time){% endif %}
