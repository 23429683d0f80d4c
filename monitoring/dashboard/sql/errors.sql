-- Mean error rate of the conversations begun before the day, by level, from the messages sent before it.
WITH said AS (
    SELECT conversation_id, avg(CASE WHEN error_count > 0 THEN 1.0 ELSE 0.0 END) AS error_rate
    FROM silver.messages
    WHERE role = 'user' AND sent_at < :as_of AND known_at <= :as_of
    GROUP BY conversation_id
)
SELECT
    cefr_level,
    count(*) AS conversations,
    count(DISTINCT student_id) AS students,
    avg(coalesce(said.error_rate, 0)) AS mean_error_rate
FROM silver.conversations
LEFT JOIN said USING (conversation_id)
WHERE started_at < :as_of AND known_at <= :as_of AND cefr_level IS NOT NULL
GROUP BY cefr_level
