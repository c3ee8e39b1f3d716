-- name: choose_repeated_songs
-- purpose: of each repeated song record choose one, unless it is staged already; records that differ stay
INSERT INTO sparkify_run_kept_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs') }}
FROM (
    SELECT
        {{ columns('staging_songs', 'd') }},
        d.staged,
        ROW_NUMBER() OVER (
            PARTITION BY {{ compare_columns('staging_songs', 'd') }}
            ORDER BY d.staged DESC, {{ order_columns('staging_songs', 'd') }}
        ) AS delivery
    FROM (
        SELECT {{ columns('staging_songs', 'b') }}, 0 AS staged
        FROM sparkify_run_songs b
        JOIN sparkify_run_repeated_songs r ON {{ trim('b.song_id') }} = r.song_id
        UNION ALL
        SELECT {{ columns('staging_songs', 's') }}, 1 AS staged
        FROM staging_songs s
        JOIN sparkify_run_repeated_songs r ON {{ trim('s.song_id') }} = r.song_id
    ) d
) ranked
WHERE delivery = 1 AND staged = 0
