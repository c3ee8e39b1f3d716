-- name: delete_gone_users
-- purpose: take out users that no event has any more
DELETE FROM users
WHERE user_id IN (SELECT user_id FROM batch_replaced_events WHERE user_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM staging_events e WHERE e.user_id = users.user_id)
