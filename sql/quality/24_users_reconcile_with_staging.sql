-- name: users_reconcile_with_staging
-- purpose: there are as many users as user ids in staging
SELECT ABS(
    (SELECT COUNT(*) FROM users)
    - (SELECT COUNT(DISTINCT user_id) FROM staging_events)
) AS violations
