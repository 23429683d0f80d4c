-- Whether to train again, and why.
SELECT model_name, retrain, because
FROM gold.retraining
WHERE as_of = :as_of
