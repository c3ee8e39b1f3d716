-- name: row_counts
-- purpose: rows in each table
-- chart: table
SELECT table_name, row_count
FROM (
    SELECT 1 AS place, CAST('loaded_files' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM loaded_files
    UNION ALL
    SELECT 2 AS place, CAST('load_runs' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM load_runs
    UNION ALL
    SELECT 3 AS place, CAST('load_errors' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM load_errors
    UNION ALL
    SELECT 4 AS place, CAST('staging_events' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM staging_events
    UNION ALL
    SELECT 5 AS place, CAST('staging_songs' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM staging_songs
    UNION ALL
    SELECT 6 AS place, CAST('users' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM users
    UNION ALL
    SELECT 7 AS place, CAST('artists' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM artists
    UNION ALL
    SELECT 8 AS place, CAST('songs' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM songs
    UNION ALL
    SELECT 9 AS place, CAST('time' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM time
    UNION ALL
    SELECT 10 AS place, CAST('songplays' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM songplays
) counted
ORDER BY place
