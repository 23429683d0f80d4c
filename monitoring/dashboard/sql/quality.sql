-- Volume, freshness and quarantine of each table, on the newest day looked at.
SELECT as_of, table_name, row_count, newest_at, hours_behind, quarantined, gate_failures
FROM gold.data_quality
WHERE as_of = (SELECT max(as_of) FROM gold.data_quality WHERE as_of <= :as_of)
