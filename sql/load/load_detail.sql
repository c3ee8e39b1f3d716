-- name: load_detail
-- purpose: the files that a COPY has read
SELECT
    BTRIM(file_name) AS file_name,
    CAST(SUM(lines_scanned) AS BIGINT) AS lines_scanned,
    MAX(BTRIM(file_etag)) AS file_etag
FROM sys_load_detail
WHERE query_id = {{ query_id }}
GROUP BY BTRIM(file_name)
ORDER BY BTRIM(file_name)
