-- What monitoring found on the day, the gravest first.
SELECT rule, severity, subject, value, threshold, message
FROM gold.alerts
WHERE as_of = :as_of
ORDER BY array_position(array('critical', 'warning', 'info'), severity), rule, subject
