-- name: choose_songs
-- purpose: of each song this run touches take one whole record: with a year first, then by title and artist
INSERT INTO sparkify_run_chosen_songs (id, song_id, title, artist_id, year, duration)
SELECT
    COALESCE(
        known.id,
        highest.id + ROW_NUMBER() OVER (
            PARTITION BY CASE WHEN known.id IS NULL THEN 1 ELSE 0 END
            ORDER BY {{ byte_order('chosen.song_id') }}
        )
    ) AS id,
    chosen.song_id, chosen.title, chosen.artist_id, chosen.year, chosen.duration
FROM (
    SELECT
        {{ trim('s.song_id') }} AS song_id,
        s.title,
        {{ trim('s.artist_id') }} AS artist_id,
        NULLIF(s.year, 0) AS year,
        s.duration,
        ROW_NUMBER() OVER (
            PARTITION BY {{ trim('s.song_id') }}
            ORDER BY
                CASE WHEN NULLIF(s.year, 0) IS NOT NULL THEN 0 ELSE 1 END,
                {{ byte_order('s.title') }},
                {{ byte_order('s.artist_id') }},
                s.duration,
                s.year,
                {{ byte_order('s.song_id') }}
        ) AS preference
    FROM staging_songs s{% if not first %}

    WHERE {{ trim('s.song_id') }} IN (SELECT song_id FROM sparkify_run_touched_songs){% endif %}

) chosen
LEFT JOIN songs known ON known.song_id = chosen.song_id
CROSS JOIN (SELECT COALESCE(MAX(id), 0) AS id FROM songs) highest
WHERE chosen.preference = 1
