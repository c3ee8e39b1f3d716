-- name: row_counts_are_kept
-- purpose: the ledger knows how many rows each table has
-- scope: check
SELECT COUNT(*) AS violations
FROM (
{% for table in counted_tables() %}
    {% if not loop.first %}UNION ALL{% endif %}

    SELECT {{ literal(table) }} AS table_name, COUNT(*) AS row_count FROM {{ table }}
{% endfor %}
) found
LEFT JOIN (
    SELECT c.table_name, c.row_count
    FROM load_counts c
    JOIN load_runs r ON r.run_id = c.run_id
    WHERE r.run_number = (SELECT MAX(run_number) FROM load_runs)
) kept ON kept.table_name = found.table_name
WHERE COALESCE(kept.row_count, 0) <> found.row_count
