-- Attempts handed in before the day, by week and language.
SELECT
    to_date(date_trunc('week', completed_at)) AS week,
    language,
    count(*) AS attempts,
    avg(score) AS mean_score
FROM silver.assessment_attempts
WHERE completed_at < :as_of AND known_at <= :as_of AND score IS NOT NULL
GROUP BY to_date(date_trunc('week', completed_at)), language
