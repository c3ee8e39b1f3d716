-- name: add_kept_events
-- purpose: put the kept ones back
INSERT INTO batch_events ({{ columns('staging_events') }})
SELECT {{ columns('staging_events') }}
FROM batch_kept_events
