-- name: artists_required_present
-- purpose: no required column of artists is NULL
-- tables: artists
SELECT COUNT(*) AS violations
FROM artists f
WHERE ({{ any_required_missing('artists', 'f') }}){{ and_touched('artists', 'f') }}
