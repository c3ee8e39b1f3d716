-- name: users_user_id_unique
-- purpose: user_id is the key of users: no value twice
-- tables: users
SELECT COUNT(*) - COUNT(DISTINCT f.user_id) AS violations
FROM users f
{{ where_touched('users', 'f') }}
