-- name: user_events
-- purpose: the events that users may be taken from: those of this run, and all of users whose former one was replaced
SELECT e.user_id, e.first_name, e.last_name, e.gender, e.level, e.ts, e.session_id, e.item_in_session
FROM {{ events }} e
WHERE e.user_id IS NOT NULL{% if changed_events %}

UNION ALL
SELECT e.user_id, e.first_name, e.last_name, e.gender, e.level, e.ts, e.session_id, e.item_in_session
FROM staging_events e
JOIN sparkify_run_touched_users t ON t.user_id = e.user_id
LEFT JOIN users_source source ON source.user_id = t.user_id
WHERE source.user_id IS NULL{% endif %}
