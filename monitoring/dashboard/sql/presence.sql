-- One row: students with an active day in the 14 open days before, and those of them whose next 14 hold a closure.
SELECT
    count_if(days_since_active <= 14) AS present,
    count_if(days_since_active <= 14 AND NOT eligible) AS paused
FROM features.student_activity
JOIN features.student_labels USING (student_id, as_of)
WHERE as_of = :as_of
HAVING count(*) > 0
