-- From which segment to which, since the last day scored a week or more before.
SELECT since, from_segment, to_segment, students
FROM gold.segment_movement
WHERE as_of = :as_of
