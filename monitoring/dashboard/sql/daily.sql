-- Distinct active students on each day from the first to the last before the day, whatever the language.
WITH acts AS (
    :acts
),
bounds AS (
    SELECT min(activity_date) AS first_day, date_sub(:as_of, 1) AS last_day
    FROM acts
),
days AS (
    SELECT explode(sequence(first_day, last_day)) AS activity_date
    FROM bounds
    WHERE first_day IS NOT NULL
)
SELECT activity_date, count(DISTINCT student_id) AS active_students
FROM days
LEFT JOIN acts USING (activity_date)
GROUP BY activity_date
ORDER BY activity_date
