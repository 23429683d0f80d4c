-- Where students stand.
SELECT language, cefr_level, students_at_level, students_ever_at_level, avg_score, attempts
FROM gold.cefr_funnel
