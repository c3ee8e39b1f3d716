-- name: plays_by_location
-- purpose: the places with the most plays
-- chart: bar
SELECT {{ trim('p.location') }} AS location, COUNT(DISTINCT p.user_id) AS listeners, COUNT(*) AS plays
FROM songplays p
WHERE p.location IS NOT NULL
GROUP BY {{ trim('p.location') }}
ORDER BY plays DESC, {{ byte_order(trim('p.location')) }}
LIMIT 10
