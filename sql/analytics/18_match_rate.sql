-- name: match_rate
-- purpose: how many plays match a song of the catalogue
-- chart: table
SELECT
    COUNT(*) AS plays,
    COUNT(p.song_id) AS matched,
    CAST(
        ROUND(
            CAST(
                100 * CAST(COUNT(p.song_id) AS DOUBLE PRECISION) / NULLIF(CAST(COUNT(*) AS DOUBLE PRECISION), 0)
                AS NUMERIC(38, 6)
            ),
            2
        ) AS DOUBLE PRECISION
    ) AS match_rate_percent
FROM songplays p
