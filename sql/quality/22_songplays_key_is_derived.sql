-- name: songplays_key_is_derived
-- purpose: songplay_id is session_id * 1048576 + item_in_session
SELECT COUNT(*) AS violations
FROM songplays
WHERE songplay_id <> session_id * 1048576 + item_in_session
