-- name: touch_time
-- purpose: note the start times of the plays that this run adds or takes out
INSERT INTO sparkify_run_touched_time (time_id, start_time)
SELECT p.ts, {{ timestamp('p.ts') }}
FROM (
    SELECT e.ts FROM {{ events }} e WHERE {{ is_play('e') }}{% if changed_events %}

    UNION
    SELECT e.ts FROM sparkify_run_replaced_events e WHERE {{ is_play('e') }}{% else %}

    GROUP BY e.ts{% endif %}

) p
