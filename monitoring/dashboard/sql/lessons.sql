-- Which lessons work.
SELECT
    lesson_id, language, lesson_type, subject, title, lesson_level, attempts, completions, completion_rate,
    avg_mastery, avg_hours_to_complete, effectiveness_score, students_with_gain, mean_score_gain, gain_low, gain_high
FROM gold.lesson_effectiveness
