-- name: songplays_artist_id_resolves
-- purpose: artist_id of songplays resolves to a row of artists, unless it is NULL
-- tables: songplays artists
SELECT COUNT(*) AS violations
FROM songplays f
LEFT JOIN artists d ON d.artist_id = f.artist_id
WHERE f.artist_id IS NOT NULL AND d.artist_id IS NULL{{ and_touched('songplays', 'f', refers('artists', 'f.artist_id', changed_songs)) }}
