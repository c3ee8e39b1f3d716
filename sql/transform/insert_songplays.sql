-- name: insert_songplays
-- purpose: add the plays of this run, each with the song it matches or none
INSERT INTO songplays (
    songplay_id, start_time, user_id, level, song_id, artist_id, session_id, item_in_session, location, user_agent
)
SELECT
    e.session_id * 1048576 + e.item_in_session,
    {{ timestamp('e.ts') }},
    e.user_id,
    e.level,
    m.song_id,
    m.artist_id,
    e.session_id,
    e.item_in_session,
    e.location,
    e.user_agent
FROM {{ events }} e
LEFT JOIN (
    {% include 'song_lookup' %}

) m ON m.title = {{ trim('e.song') }} AND m.artist_name = {{ trim('e.artist') }}{% if match_rule == 'exact' %} AND m.duration = e.length{% endif %}

WHERE {{ is_play('e') }}
