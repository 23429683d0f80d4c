-- Cohort retention in the weeks that are over.
SELECT cohort_week, week_number, students, active, retention
FROM gold.cohort_retention
WHERE date_add(cohort_week, 7 * (week_number + 1)) <= :as_of
