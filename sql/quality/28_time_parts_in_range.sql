-- name: time_parts_in_range
-- purpose: the parts of a start time are in their ranges
SELECT COUNT(*) AS violations
FROM time
WHERE hour NOT BETWEEN 0 AND 23
   OR day NOT BETWEEN 1 AND 31
   OR week NOT BETWEEN 1 AND 53
   OR month NOT BETWEEN 1 AND 12
   OR weekday NOT BETWEEN 0 AND 6
