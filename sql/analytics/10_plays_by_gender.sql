-- name: plays_by_gender
-- purpose: plays by the gender of the user
-- chart: bar
SELECT {{ trim('u.gender') }} AS gender, COUNT(DISTINCT p.user_id) AS listeners, COUNT(*) AS plays
FROM songplays p
JOIN users u ON u.user_id = p.user_id
GROUP BY {{ trim('u.gender') }}
ORDER BY plays DESC, {{ byte_order(trim('u.gender')) }}
