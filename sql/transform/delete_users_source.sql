-- name: delete_users_source
-- purpose: forget the former events of the users that a newer one was chosen for
DELETE FROM users_source
WHERE user_id IN (SELECT user_id FROM sparkify_run_chosen_users)
