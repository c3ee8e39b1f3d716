-- name: matched_songs
-- purpose: the songs of the catalogue played most
-- chart: bar
SELECT s.title, a.name AS artist, COUNT(*) AS plays
FROM songplays p
JOIN songs s ON s.song_id = p.song_id
JOIN artists a ON a.artist_id = s.artist_id
GROUP BY s.song_id, s.title, a.name
ORDER BY plays DESC, {{ byte_order('s.title') }}, {{ byte_order('s.song_id') }}
LIMIT 10
