-- name: songplays_required_present
-- purpose: no required column of songplays is NULL
SELECT COUNT(*) AS violations
FROM songplays t
WHERE {{ any_required_missing('songplays', 't') }}
