-- name: count_matches
-- purpose: how many of the plays that the run touches are matched with a song, before and after it
SELECT COUNT(f.song_id) AS matched_songplays
FROM songplays f
{{ where_touched('songplays', 'f') }}
