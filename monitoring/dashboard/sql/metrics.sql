-- Each day and language before the day.
SELECT
    activity_date, language, active_students, conversations, total_messages, avg_session_minutes, avg_error_rate
FROM gold.daily_metrics
WHERE activity_date < :as_of
