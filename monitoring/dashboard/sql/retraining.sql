-- Whether to train again, why, and whether that was done.
SELECT model_name, retrain, because, acted_on
FROM gold.retraining
WHERE as_of = :as_of
