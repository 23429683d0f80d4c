-- What the model promised and what came true, as far as it is known on the day.
-- Which days were scored is asked of a table that shows all readers the same rows.
SELECT as_of, model_name, model_version, metric, promised, realised
FROM gold.model_health
WHERE slice = 'all' AND (
  (metric = 'mean_risk' AND as_of <= :as_of)
  OR as_of IN (
    SELECT date(date_trunc('week', scored.as_of)) FROM gold.student_segments AS scored
    GROUP BY ALL HAVING date_add(max(scored.as_of), 17) <= :as_of
  )
)
