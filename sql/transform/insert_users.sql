-- name: insert_users
-- purpose: add the rows that appear for the first time
INSERT INTO users (id, user_id, first_name, last_name, gender, level)
SELECT b.id, b.user_id, b.first_name, b.last_name, b.gender, b.level
FROM sparkify_run_chosen_users b
WHERE NOT EXISTS (SELECT 1 FROM users known WHERE known.user_id = b.user_id)
