-- name: songplays_user_id_resolves
-- purpose: user_id of songplays resolves to a row of users
-- tables: songplays users
SELECT COUNT(*) AS violations
FROM songplays f
LEFT JOIN users d ON d.user_id = f.user_id
WHERE f.user_id IS NOT NULL AND d.user_id IS NULL{{ and_touched('songplays', 'f', refers('users', 'f.user_id', changed_events)) }}
