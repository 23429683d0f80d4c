-- A row a student scored on the day, with the risk on the days of the eight weeks before.
WITH earlier AS (
    SELECT student_id, array_sort(collect_list(struct(as_of, risk))) AS days
    FROM gold.at_risk_students
    WHERE as_of BETWEEN date_sub(:as_of, 56) AND :as_of
    GROUP BY student_id
)
SELECT
    student_id, risk, risk_band, reason_1, reason_2, reason_3, segment, suggested_action, language,
    days_since_active, contacted_on, model_kind, model_version, scored_at,
    array_join(transform(days, d -> CAST(CAST(round(100 * d.risk) AS INT) AS STRING)), ' ') AS trend
FROM gold.at_risk_students
JOIN earlier USING (student_id)
WHERE as_of = :as_of
