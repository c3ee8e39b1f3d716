-- name: stage_events
-- purpose: add the new events to staging
INSERT INTO staging_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM sparkify_run_events
