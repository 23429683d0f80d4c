-- Who may see what, in a Unity Catalog. `learner-radar-govern` runs these statements, then masks, tags and grants for the
-- tables that are there (governance.py); each can run again. Grants come last, so that nobody reads a table before its
-- filter stands. ${engineers} run the jobs and see everything, ${tutors} see who is at risk, ${analysts} see figures.

CREATE OR REPLACE FUNCTION ${ops}.is_one_of(principal STRING) RETURNS BOOLEAN
COMMENT 'Whether whoever asks is that person or in that group'
RETURN session_user() = principal OR is_account_group_member(principal);

CREATE OR REPLACE FUNCTION ${ops}.sees_at_risk(language STRING) RETURNS BOOLEAN
COMMENT 'Engineers see every student at risk, the group <tutors>_<language> those of its language, tutors those of none'
RETURN ${ops}.is_one_of('${engineers}') OR ${ops}.is_one_of(concat('${tutors}_', lower(language)))
    OR (language IS NULL AND ${ops}.is_one_of('${tutors}'));

CREATE OR REPLACE FUNCTION ${ops}.masked_student(student_id STRING) RETURNS STRING
COMMENT 'Engineers and tutors see who a student is, others see that there is one'
RETURN CASE WHEN ${ops}.is_one_of('${engineers}') OR ${ops}.is_one_of('${tutors}') THEN student_id ELSE 'hidden' END;

ALTER TABLE ${gold}.at_risk_students SET ROW FILTER ${ops}.sees_at_risk ON (language);

ALTER SCHEMA ${bronze} SET TAGS ('learner_radar' = 'raw text');
ALTER TABLE ${bronze}.messages ALTER COLUMN content SET TAGS ('learner_radar' = 'written by a learner');
ALTER TABLE ${bronze}.messages ALTER COLUMN corrections SET TAGS ('learner_radar' = 'written by a learner');
ALTER TABLE ${ops}.quarantine ALTER COLUMN row_json SET TAGS ('learner_radar' = 'written by a learner');
