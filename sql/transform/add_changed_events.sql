-- name: add_changed_events
-- purpose: load the changed files like new ones
INSERT INTO sparkify_run_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM sparkify_run_changed_events
