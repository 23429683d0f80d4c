-- How far features have moved since training, on the newest day looked at.
SELECT as_of, feature, psi, jensen_shannon, missing_share, reference_missing_share, status
FROM gold.feature_drift
WHERE as_of = (SELECT max(as_of) FROM gold.feature_drift WHERE as_of <= :as_of)
