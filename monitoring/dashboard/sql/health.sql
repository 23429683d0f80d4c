-- What the model promised and what came true, as far as it is known on the day.
SELECT as_of, model_name, model_version, metric, promised, realised
FROM gold.model_health
WHERE slice = 'all' AND (date_add(as_of, 17) <= :as_of OR (metric IN ('mean_risk', 'students') AND as_of <= :as_of))
