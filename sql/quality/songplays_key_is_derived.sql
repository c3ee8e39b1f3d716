-- name: songplays_key_is_derived
-- purpose: songplay_id is session_id * 1048576 + item_in_session
-- tables: songplays
SELECT COUNT(*) AS violations
FROM songplays f
WHERE f.songplay_id <> f.session_id * 1048576 + f.item_in_session{{ and_touched('songplays', 'f') }}
