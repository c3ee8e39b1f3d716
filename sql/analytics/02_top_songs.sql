-- name: top_songs
-- purpose: the songs played most, as the log names them
-- chart: bar
SELECT
    {{ trim('e.song') }} AS song,
    {{ trim('e.artist') }} AS artist,
    MAX(CASE WHEN p.song_id IS NULL THEN 'no' ELSE 'yes' END) AS in_catalogue,
    COUNT(*) AS plays
FROM songplays p
JOIN staging_events e ON e.session_id = p.session_id AND e.item_in_session = p.item_in_session
WHERE e.song IS NOT NULL
GROUP BY {{ trim('e.song') }}, {{ trim('e.artist') }}
ORDER BY plays DESC, {{ byte_order(trim('e.song')) }}, {{ byte_order(trim('e.artist')) }}
LIMIT 10
