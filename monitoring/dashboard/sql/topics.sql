-- Which topics bring students back.
SELECT
    topic, language, conversations, students, avg_messages, avg_duration_minutes, avg_error_rate, judged,
    return_rate_7d
FROM gold.topic_engagement
