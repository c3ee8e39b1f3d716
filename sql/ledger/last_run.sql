-- name: last_run
-- purpose: the last run that was published, and how many rows each table has since
SELECT r.run_id, r.match_rule, r.matched_songplays, c.table_name, c.row_count
FROM load_runs r
JOIN load_counts c ON c.run_id = r.run_id
WHERE r.run_number = (SELECT MAX(run_number) FROM load_runs)
