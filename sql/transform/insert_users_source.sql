-- name: insert_users_source
-- purpose: note which event each user was taken from
INSERT INTO users_source (user_id, ts, session_id, item_in_session)
SELECT user_id, ts, session_id, item_in_session
FROM sparkify_run_chosen_users
