-- name: songs_artist_id_resolves
-- purpose: artist_id of songs resolves to a row of artists
-- tables: songs artists
SELECT COUNT(*) AS violations
FROM songs f
LEFT JOIN artists d ON d.artist_id = f.artist_id
WHERE f.artist_id IS NOT NULL AND d.artist_id IS NULL{{ and_touched('songs', 'f', refers('artists', 'f.artist_id', changed_songs)) }}
