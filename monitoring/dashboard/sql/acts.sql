-- What made a day active, as known on the day.
SELECT student_id, language, to_date(event_at) AS activity_date
FROM silver.learning_events
WHERE event_type IN ('conversation', 'lesson_started', 'lesson_completed', 'attempt')
    AND event_at < :as_of AND known_at <= :as_of
    AND (superseded_at IS NULL OR superseded_at > :as_of)
