-- One row: the day that the gold tables were made for last.
SELECT max_by(as_of, ended_at) AS as_of
FROM ops.runs
WHERE step = 'gold' AND status = 'done'
HAVING count(*) > 0
