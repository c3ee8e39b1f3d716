-- name: songs_required_present
-- purpose: no required column of songs is NULL
-- tables: songs
SELECT COUNT(*) AS violations
FROM songs f
WHERE ({{ any_required_missing('songs', 'f') }}){{ and_touched('songs', 'f') }}
