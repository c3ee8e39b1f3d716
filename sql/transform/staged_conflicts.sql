-- name: staged_conflicts
-- purpose: query: the staged events that events of this run contradict
SELECT {{ columns('staging_events', 's') }}
FROM staging_events s
JOIN sparkify_run_conflicting_events c ON c.session_id = s.session_id AND c.item_in_session = s.item_in_session{{ and_between('s.session_id', sessions) }}
