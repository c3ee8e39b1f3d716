-- name: columns
-- purpose: the columns that the tables of the model have in this database
SELECT table_name, column_name, data_type
FROM {{ columns_view() }}
WHERE table_schema = {{ current_schema() }}
ORDER BY table_name, ordinal_position
