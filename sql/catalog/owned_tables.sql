-- name: owned_tables
-- purpose: the tables that this program has made; those of a load that did not end have its run
SELECT table_name, run_id
FROM sparkify_tables
ORDER BY table_name
