-- name: users_have_a_source
-- purpose: each user has one event that it was taken from, and it is staged
-- tables: users users_source
SELECT COUNT(*) AS violations
FROM users f
LEFT JOIN users_source s ON s.user_id = f.user_id{% if not touched %}

LEFT JOIN staging_events e ON e.session_id = s.session_id AND e.item_in_session = s.item_in_session
  AND e.user_id = s.user_id AND e.ts = s.ts
WHERE e.user_id IS NULL{% else %}

WHERE s.user_id IS NULL{{ and_touched('users', 'f') }}{% endif %}
