-- name: add_changed_events
-- purpose: load the changed files like new ones
INSERT INTO batch_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM batch_changed_events
