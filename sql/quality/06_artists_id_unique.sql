-- name: artists_id_unique
-- purpose: id is the key of artists: no value twice
SELECT COUNT(*) - COUNT(DISTINCT id) AS violations
FROM artists
