-- name: touch_events
-- purpose: note the keys of the events that this run adds or takes out
INSERT INTO sparkify_run_touched_events (songplay_id, session_id, item_in_session)
SELECT e.session_id * 1048576 + e.item_in_session, e.session_id, e.item_in_session
FROM (
    SELECT session_id, item_in_session FROM {{ events }}{% if changed_events %}

    UNION
    SELECT session_id, item_in_session FROM sparkify_run_replaced_events{% endif %}

) e
