-- name: artists_coordinates_in_range
-- purpose: coordinates are degrees
-- tables: artists
SELECT COUNT(*) AS violations
FROM artists f
WHERE (f.latitude NOT BETWEEN -90 AND 90
   OR f.longitude NOT BETWEEN -180 AND 180){{ and_touched('artists', 'f') }}
