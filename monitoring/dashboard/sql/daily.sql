-- Distinct active students a day, whatever the language.
WITH acts AS (
    :acts
)
SELECT activity_date, count(DISTINCT student_id) AS active_students
FROM acts
GROUP BY activity_date
ORDER BY activity_date
