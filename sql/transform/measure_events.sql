-- name: measure_events
-- purpose: the sessions and times that the run touches: what the following statements read of the tables
SELECT MIN(e.session_id), MAX(e.session_id), MIN(e.ts), MAX(e.ts)
FROM (
    SELECT session_id, ts FROM sparkify_run_events{% if changed_events %}

    UNION ALL
    SELECT session_id, ts FROM sparkify_run_replaced_events{% endif %}

) e
