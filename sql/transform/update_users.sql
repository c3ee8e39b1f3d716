-- name: update_users
-- purpose: bring known rows up to date; the surrogate id stays
UPDATE users
SET first_name = b.first_name, last_name = b.last_name, gender = b.gender, level = b.level
FROM sparkify_run_chosen_users b
WHERE users.user_id = b.user_id
  AND ({{ any_differs('users', ['first_name', 'last_name', 'gender', 'level'], 'users', 'b') }})
