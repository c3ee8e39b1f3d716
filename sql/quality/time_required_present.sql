-- name: time_required_present
-- purpose: no required column of time is NULL
-- tables: time
SELECT COUNT(*) AS violations
FROM time f
WHERE ({{ any_required_missing('time', 'f') }}){{ and_touched('time', 'f') }}
