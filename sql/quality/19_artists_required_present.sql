-- name: artists_required_present
-- purpose: no required column of artists is NULL
SELECT COUNT(*) AS violations
FROM artists t
WHERE {{ any_required_missing('artists', 't') }}
