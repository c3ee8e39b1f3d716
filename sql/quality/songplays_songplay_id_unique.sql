-- name: songplays_songplay_id_unique
-- purpose: songplay_id is the key of songplays: no value twice
-- tables: songplays
SELECT COUNT(*) - COUNT(DISTINCT f.songplay_id) AS violations
FROM songplays f
{{ where_touched('songplays', 'f') }}
