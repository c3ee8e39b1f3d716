-- name: find_replaced_songs
-- purpose: remember the staged song records that a changed file delivers anew
INSERT INTO sparkify_run_replaced_songs ({{ columns('staging_songs') }})
SELECT {{ columns('staging_songs', 's') }}
FROM staging_songs s
JOIN (SELECT DISTINCT {{ trim('song_id') }} AS song_id FROM sparkify_run_changed_songs) c
  ON {{ trim('s.song_id') }} = c.song_id
