-- Closures with a day in the 180 days before the day or in the 14 from it on, as known on the day.
SELECT
    language,
    closed_from,
    closed_to,
    closed_from < :as_of AS lately,
    closed_to >= :as_of AND closed_from < date_add(:as_of, 14) AS ahead
FROM silver.closures
WHERE closed_to >= date_sub(:as_of, 180) AND closed_from < date_add(:as_of, 14)
    AND known_at <= :as_of AND (superseded_at IS NULL OR superseded_at > :as_of)
