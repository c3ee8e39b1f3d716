-- name: time_required_present
-- purpose: no required column of time is NULL
SELECT COUNT(*) AS violations
FROM time t
WHERE {{ any_required_missing('time', 't') }}
