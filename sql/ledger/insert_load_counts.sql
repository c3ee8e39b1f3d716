-- name: insert_load_counts
-- purpose: note what this run changed in each table, and how many rows it has since
INSERT INTO load_counts (run_id, table_name, rows_added, rows_removed, row_count)
{% for count in row_counts %}
{% if not loop.first %}UNION ALL{% endif %}

SELECT {{ literal(run_id) }}, {{ literal(count.table) }}, {{ count.added }}, {{ count.removed }}, {{ count.rows }}
{% endfor %}
