-- name: songplays_song_and_artist_agree
-- purpose: a play has both a song and its artist, or neither
SELECT COUNT(*) AS violations
FROM songplays p
LEFT JOIN songs s ON s.song_id = p.song_id
WHERE COALESCE(p.artist_id, '') <> COALESCE(s.artist_id, '')
