-- name: delete_replaced_songplays
-- purpose: take out the plays of replaced events; those that are plays still come back below
DELETE FROM songplays
USING sparkify_run_replaced_events
WHERE songplays.songplay_id = sparkify_run_replaced_events.session_id * 1048576 + sparkify_run_replaced_events.item_in_session
