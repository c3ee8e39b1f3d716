-- name: choose_artists
-- purpose: of each artist this run touches take one whole record: with coordinates, with a place, the shortest name
INSERT INTO sparkify_run_chosen_artists (id, artist_id, name, location, latitude, longitude)
SELECT
    COALESCE(
        known.id,
        highest.id + ROW_NUMBER() OVER (
            PARTITION BY CASE WHEN known.id IS NULL THEN 1 ELSE 0 END
            ORDER BY {{ byte_order('chosen.artist_id') }}
        )
    ) AS id,
    chosen.artist_id, chosen.name, chosen.location, chosen.latitude, chosen.longitude
FROM (
    SELECT
        {{ trim('s.artist_id') }} AS artist_id,
        s.artist_name AS name,
        s.artist_location AS location,
        s.artist_latitude AS latitude,
        s.artist_longitude AS longitude,
        ROW_NUMBER() OVER (
            PARTITION BY {{ trim('s.artist_id') }}
            ORDER BY
                CASE WHEN s.artist_latitude IS NOT NULL AND s.artist_longitude IS NOT NULL THEN 0 ELSE 1 END,
                CASE WHEN s.artist_location IS NOT NULL THEN 0 ELSE 1 END,
                LENGTH({{ trim('s.artist_name') }}),
                {{ byte_order('s.artist_name') }},
                {{ byte_order('s.song_id') }},
                {{ byte_order('s.artist_location') }},
                s.artist_latitude,
                s.artist_longitude
        ) AS preference
    FROM staging_songs s{% if not first %}

    WHERE {{ trim('s.artist_id') }} IN (SELECT artist_id FROM sparkify_run_touched_artists){% endif %}

) chosen
LEFT JOIN artists known ON known.artist_id = chosen.artist_id
CROSS JOIN (SELECT COALESCE(MAX(id), 0) AS id FROM artists) highest
WHERE chosen.preference = 1
