-- name: users_reconcile_with_staging
-- purpose: there are as many users as user ids in staging
-- tables: users staging_events
SELECT ABS(
    (SELECT COUNT(*) FROM users f {{ where_touched('users', 'f') }})
    - {% if not touched %}(SELECT COUNT(DISTINCT user_id) FROM staging_events){% elif changed_events %}(
        SELECT COUNT(*)
        FROM sparkify_run_touched_users t
        WHERE EXISTS (SELECT 1 FROM staging_events e WHERE e.user_id = t.user_id)
    ){% else %}(SELECT COUNT(*) FROM sparkify_run_touched_users){% endif %}

) AS violations
