-- name: songplays_required_present
-- purpose: no required column of songplays is NULL
-- tables: songplays
SELECT COUNT(*) AS violations
FROM songplays f
WHERE ({{ any_required_missing('songplays', 'f') }}){{ and_touched('songplays', 'f') }}
