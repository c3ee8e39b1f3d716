-- name: artists_id_unique
-- purpose: id is the key of artists: no value twice
-- tables: artists
SELECT COUNT(*) - COUNT(DISTINCT f.id) AS violations
FROM artists f
{% if touched %}WHERE f.id IN (SELECT d.id FROM artists d {{ where_touched('artists', 'd') }}){% endif %}
