-- Who may see what, in a Unity Catalog. `learner-radar-govern` runs these statements, then masks, tags and grants for the
-- tables that are there (governance.py); each can run again. Grants come last, so that nobody reads a table before its
-- filter stands. Neither function calls another of ours: a MERGE, as an erasure does, refuses a policy that is nested.
-- ${engineers} run the jobs and see everything, ${tutors} see who is at risk, ${analysts} see figures.

CREATE OR REPLACE FUNCTION ${ops}.sees_at_risk(language STRING) RETURNS BOOLEAN
COMMENT 'Engineers see every student at risk, the group <tutors>_<language> those of its language, tutors those of none'
RETURN session_user() = '${engineers}' OR is_account_group_member('${engineers}')
    OR session_user() = concat('${tutors}_', lower(language)) OR is_account_group_member(concat('${tutors}_', lower(language)))
    OR (language IS NULL AND (session_user() = '${tutors}' OR is_account_group_member('${tutors}')));

CREATE OR REPLACE FUNCTION ${ops}.masked_student(student_id STRING) RETURNS STRING
COMMENT 'Engineers and tutors see who a student is, others see that there is one'
RETURN CASE WHEN session_user() IN ('${engineers}', '${tutors}') OR is_account_group_member('${engineers}')
    OR is_account_group_member('${tutors}') THEN student_id ELSE 'hidden' END;

ALTER TABLE ${gold}.at_risk_students SET ROW FILTER ${ops}.sees_at_risk ON (language);

ALTER SCHEMA ${bronze} SET TAGS ('learner_radar' = 'raw text');
ALTER TABLE ${bronze}.messages ALTER COLUMN content SET TAGS ('learner_radar' = 'written by a learner');
ALTER TABLE ${bronze}.messages ALTER COLUMN corrections SET TAGS ('learner_radar' = 'written by a learner');
ALTER TABLE ${ops}.quarantine ALTER COLUMN row_json SET TAGS ('learner_radar' = 'written by a learner');
