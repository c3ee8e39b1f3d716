-- name: time_parts_in_range
-- purpose: the parts of a start time are in their ranges
-- tables: time
SELECT COUNT(*) AS violations
FROM time f
WHERE (f.hour NOT BETWEEN 0 AND 23
   OR f.day NOT BETWEEN 1 AND 31
   OR f.week NOT BETWEEN 1 AND 53
   OR f.month NOT BETWEEN 1 AND 12
   OR f.weekday NOT BETWEEN 0 AND 6){{ and_touched('time', 'f') }}
