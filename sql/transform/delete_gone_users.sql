-- name: delete_gone_users
-- purpose: take out users that no event has any more
DELETE FROM users
WHERE user_id IN (SELECT user_id FROM sparkify_run_touched_users)
  AND NOT EXISTS (SELECT 1 FROM staging_events e WHERE e.user_id = users.user_id)
