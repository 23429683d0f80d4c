-- A row a segment and trait: its mean, and mean and standard deviation over all students of the day.
WITH each AS (
    SELECT
        segment,
        stack(
            7,
            'active_days_28', CAST(active_days_28 AS DOUBLE),
            'minutes_28', minutes_28,
            'usual_gap', usual_gap,
            'lessons_completed_28', CAST(lessons_completed_28 AS DOUBLE),
            'score_mean', score_mean,
            'mastery_mean', mastery_mean,
            'error_rate_28', error_rate_28
        ) AS (trait, value)
    FROM gold.student_segments
    LEFT JOIN features.student_activity USING (student_id, as_of)
    LEFT JOIN features.student_learning USING (student_id, as_of)
    WHERE as_of = :as_of
),
everybody AS (
    SELECT trait, avg(value) AS overall_mean, stddev_pop(value) AS overall_sd FROM each GROUP BY trait
)
SELECT segment, trait, avg(value) AS mean, any_value(overall_mean) AS overall_mean, any_value(overall_sd) AS overall_sd
FROM each
JOIN everybody USING (trait)
GROUP BY segment, trait
HAVING avg(value) IS NOT NULL
