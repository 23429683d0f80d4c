-- Closures that lie in the 14 days from the day on, as known on the day.
SELECT language, closed_from, closed_to
FROM silver.closures
WHERE closed_to >= :as_of AND closed_from < date_add(:as_of, 14)
    AND known_at <= :as_of AND (superseded_at IS NULL OR superseded_at > :as_of)
