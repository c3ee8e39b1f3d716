-- name: add_kept_events
-- purpose: put the chosen deliveries back that are not staged already
INSERT INTO sparkify_run_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM sparkify_run_kept_events
WHERE staged = 0
