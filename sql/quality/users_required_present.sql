-- name: users_required_present
-- purpose: no required column of users is NULL
-- tables: users
SELECT COUNT(*) AS violations
FROM users f
WHERE ({{ any_required_missing('users', 'f') }}){{ and_touched('users', 'f') }}
