-- name: users_id_unique
-- purpose: id is the key of users: no value twice
-- tables: users
SELECT COUNT(*) - COUNT(DISTINCT f.id) AS violations
FROM users f
{% if touched %}WHERE f.id IN (SELECT d.id FROM users d {{ where_touched('users', 'd') }}){% endif %}
