-- Closures with a day in the 180 days before the day, as known on the day.
SELECT language, closed_from, closed_to
FROM silver.closures
WHERE closed_from < :as_of AND closed_to >= date_sub(:as_of, 180)
    AND known_at <= :as_of AND (superseded_at IS NULL OR superseded_at > :as_of)
