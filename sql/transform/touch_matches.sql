-- name: touch_matches
-- purpose: note the keys of the earlier plays that are matched anew
INSERT INTO sparkify_run_touched_events (songplay_id, session_id, item_in_session)
SELECT p.songplay_id, p.session_id, p.item_in_session
FROM songplays p
JOIN sparkify_run_matches m ON m.songplay_id = p.songplay_id
LEFT JOIN sparkify_run_touched_events t ON t.songplay_id = p.songplay_id
WHERE t.songplay_id IS NULL
