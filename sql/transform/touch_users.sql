-- name: touch_users
-- purpose: note the users of the events that this run adds or takes out
INSERT INTO sparkify_run_touched_users (user_id)
SELECT user_id FROM {{ events }} WHERE user_id IS NOT NULL{% if changed_events %}

UNION
SELECT user_id FROM sparkify_run_replaced_events WHERE user_id IS NOT NULL{% else %}

GROUP BY user_id{% endif %}
