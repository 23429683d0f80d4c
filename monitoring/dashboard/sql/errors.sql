-- Mean error rate of the conversations begun before the day, by level.
SELECT
    cefr_level,
    count(*) AS conversations,
    count(DISTINCT student_id) AS students,
    avg(error_rate) AS mean_error_rate
FROM silver.conversations
WHERE started_at < :as_of AND known_at <= :as_of AND cefr_level IS NOT NULL
GROUP BY cefr_level
