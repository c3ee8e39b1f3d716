-- name: artists_coordinates_in_range
-- purpose: coordinates are degrees
SELECT COUNT(*) AS violations
FROM artists
WHERE latitude NOT BETWEEN -90 AND 90
   OR longitude NOT BETWEEN -180 AND 180
