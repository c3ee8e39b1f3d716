-- name: top_artists
-- purpose: the artists played most, as the log names them
-- chart: bar
SELECT {{ trim('e.artist') }} AS artist, COUNT(DISTINCT p.user_id) AS listeners, COUNT(*) AS plays
FROM songplays p
JOIN staging_events e ON e.session_id = p.session_id AND e.item_in_session = p.item_in_session
WHERE e.artist IS NOT NULL
GROUP BY {{ trim('e.artist') }}
ORDER BY plays DESC, {{ byte_order(trim('e.artist')) }}
LIMIT 10
