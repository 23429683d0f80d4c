-- Distinct students a language: ever active, and in the last 28 days.
WITH acts AS (
    :acts
)
SELECT
    language,
    count(DISTINCT student_id) AS students,
    count(DISTINCT CASE WHEN activity_date >= date_sub(:as_of, 28) THEN student_id END) AS active_28
FROM acts
WHERE language IS NOT NULL
GROUP BY language
