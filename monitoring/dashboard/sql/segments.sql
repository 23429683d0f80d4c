-- Students a segment on the day, and those half-way to another.
SELECT segment, count(*) AS students, count_if(clarity < 0.15) AS between_two
FROM gold.student_segments
WHERE as_of = :as_of
GROUP BY segment
