-- name: users_user_id_unique
-- purpose: user_id is the key of users: no value twice
SELECT COUNT(*) - COUNT(DISTINCT user_id) AS violations
FROM users
