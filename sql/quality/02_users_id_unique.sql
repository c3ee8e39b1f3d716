-- name: users_id_unique
-- purpose: id is the key of users: no value twice
SELECT COUNT(*) - COUNT(DISTINCT id) AS violations
FROM users
