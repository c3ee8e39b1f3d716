-- name: plays_by_level
-- purpose: plays by subscription level at the time
-- chart: bar
SELECT {{ trim('p.level') }} AS level, COUNT(DISTINCT p.user_id) AS listeners, COUNT(*) AS plays
FROM songplays p
GROUP BY {{ trim('p.level') }}
ORDER BY plays DESC, {{ byte_order(trim('p.level')) }}
