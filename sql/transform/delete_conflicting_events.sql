-- name: delete_conflicting_events
-- purpose: take out what was chosen of those events, in favour of what comes first in the files
DELETE FROM sparkify_run_kept_events
USING sparkify_run_conflicting_events
WHERE sparkify_run_kept_events.session_id = sparkify_run_conflicting_events.session_id
  AND sparkify_run_kept_events.item_in_session = sparkify_run_conflicting_events.item_in_session
  AND sparkify_run_kept_events.staged = 0
