-- name: songplays_songplay_id_unique
-- purpose: songplay_id is the key of songplays: no value twice
SELECT COUNT(*) - COUNT(DISTINCT songplay_id) AS violations
FROM songplays
