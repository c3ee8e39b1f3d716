-- name: songs_required_present
-- purpose: no required column of songs is NULL
SELECT COUNT(*) AS violations
FROM songs t
WHERE {{ any_required_missing('songs', 't') }}
