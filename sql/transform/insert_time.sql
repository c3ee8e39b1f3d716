-- name: insert_time
-- purpose: add the start times that appear for the first time
INSERT INTO time (time_id, start_time, hour, day, week, month, year, weekday)
SELECT
    p.ts,
    p.start_time,
    EXTRACT(HOUR FROM p.start_time),
    EXTRACT(DAY FROM p.start_time),
    EXTRACT(WEEK FROM p.start_time),
    EXTRACT(MONTH FROM p.start_time),
    EXTRACT(YEAR FROM p.start_time),
    EXTRACT(DOW FROM p.start_time)
FROM (
    SELECT DISTINCT e.ts, {{ timestamp('e.ts') }} AS start_time
    FROM {{ events }} e
    WHERE {{ is_play('e') }}
) p
WHERE NOT EXISTS (SELECT 1 FROM time known WHERE known.time_id = p.ts{{ and_between('known.time_id', times) }})
