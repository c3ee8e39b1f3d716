-- name: delete_replaced_songplays
-- purpose: take out the plays of replaced events; those that are plays still come back below
DELETE FROM songplays
USING batch_replaced_events
WHERE songplays.songplay_id = batch_replaced_events.session_id * 1048576 + batch_replaced_events.item_in_session
