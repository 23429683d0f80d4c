-- One row: distinct students ever, in windows before the day, and new.
WITH acts AS (
    :acts
),
each AS (
    SELECT
        student_id,
        min(activity_date) AS first_day,
        max(activity_date) AS last_day,
        bool_or(activity_date BETWEEN date_sub(:as_of, 14) AND date_sub(:as_of, 8)) AS week_before
    FROM acts
    GROUP BY student_id
)
SELECT
    count(*) AS students,
    count_if(last_day >= date_sub(:as_of, 7)) AS active_7,
    count_if(week_before) AS active_7_before,
    count_if(last_day >= date_sub(:as_of, 28)) AS active_28,
    count_if(first_day >= date_sub(:as_of, 28)) AS new_28
FROM each
HAVING count(*) > 0
