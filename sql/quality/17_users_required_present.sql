-- name: users_required_present
-- purpose: no required column of users is NULL
SELECT COUNT(*) AS violations
FROM users t
WHERE {{ any_required_missing('users', 't') }}
