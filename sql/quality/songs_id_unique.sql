-- name: songs_id_unique
-- purpose: id is the key of songs: no value twice
-- tables: songs
SELECT COUNT(*) - COUNT(DISTINCT f.id) AS violations
FROM songs f
{% if touched %}WHERE f.id IN (SELECT d.id FROM songs d {{ where_touched('songs', 'd') }}){% endif %}
