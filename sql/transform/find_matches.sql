-- name: find_matches
-- purpose: match anew the earlier plays that the songs of this run may concern
INSERT INTO sparkify_run_matches (songplay_id, song_id, artist_id)
SELECT e.session_id * 1048576 + e.item_in_session, m.song_id, m.artist_id
FROM staging_events e
{% if not rematch_all %}JOIN (
    SELECT DISTINCT {{ trim('t.title') }} AS title, {{ trim('t.artist_name') }} AS artist_name{% if match_rule == 'exact' %}, t.duration{% endif %}

    FROM (
        {% if changed_songs %}SELECT title, artist_name, duration FROM sparkify_run_replaced_songs
        UNION ALL
        {% endif %}SELECT s.title, s.artist_name, s.duration
        FROM staging_songs s
        JOIN sparkify_run_chosen_songs c ON c.song_id = {{ trim('s.song_id') }}
    ) t
) t ON t.title = {{ trim('e.song') }} AND t.artist_name = {{ trim('e.artist') }}{% if match_rule == 'exact' %} AND t.duration = e.length{% endif %}

{% endif %}LEFT JOIN (
    {% include 'song_lookup' %}

) m ON m.title = {{ trim('e.song') }} AND m.artist_name = {{ trim('e.artist') }}{% if match_rule == 'exact' %} AND m.duration = e.length{% endif %}

WHERE {{ is_play('e') }}
