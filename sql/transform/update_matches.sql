-- name: update_matches
-- purpose: write the matches that changed
UPDATE songplays
SET song_id = m.song_id, artist_id = m.artist_id
FROM sparkify_run_matches m
WHERE songplays.songplay_id = m.songplay_id
  AND (COALESCE(songplays.song_id, '') <> COALESCE(m.song_id, '')
    OR COALESCE(songplays.artist_id, '') <> COALESCE(m.artist_id, ''))
