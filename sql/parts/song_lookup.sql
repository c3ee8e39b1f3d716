-- name: song_lookup
-- purpose: the song that a title, an artist and (match rule exact) a duration stand for; the smallest song_id on a tie
SELECT l.title, l.artist_name,{% if match_rule == 'exact' %} l.duration,{% endif %} l.song_id, s.artist_id
FROM (
    SELECT
        {{ trim('title') }} AS title,
        {{ trim('artist_name') }} AS artist_name,
        {% if match_rule == 'exact' %}duration,
        {% endif %}MIN({{ byte_order(trim('song_id')) }}) AS song_id
    FROM staging_songs
    WHERE title IS NOT NULL AND artist_name IS NOT NULL
    GROUP BY {{ trim('title') }}, {{ trim('artist_name') }}{% if match_rule == 'exact' %}, duration{% endif %}

) l
JOIN songs s ON s.song_id = l.song_id
