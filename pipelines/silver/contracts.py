"""Contracts of the silver tables: typed, one row a key, the newest version."""

from __future__ import annotations

from lakehouse.contracts import Contract, Publish, between, columns, one_of, ordered
from lakehouse.levels import LEVELS as LEVELS

CORRECTIONS = "ARRAY<STRUCT<type: STRING>>"
SKILLS = "ARRAY<STRUCT<skill: STRING, total: INT, correct: INT, score: DOUBLE>>"
KNOWN_AT = "known_at | TIMESTAMP NOT NULL | from when this lake can have known the row"

CONVERSATIONS = Contract(
    "silver.conversations",
    "One row a conversation, with what its messages say.",
    columns(f"""
        conversation_id | STRING NOT NULL | the app's id
        student_id | STRING NOT NULL | who practised
        language | STRING NOT NULL | language practised, lower-case English name
        cefr_level | STRING | level of difficulty, A1 to C2
        topic | STRING | topic of the conversation
        started_at | TIMESTAMP NOT NULL | when it began, UTC
        ended_at | TIMESTAMP | the last message, or the beginning when there is none
        duration_minutes | DOUBLE | minutes from the beginning to the last message
        message_count | BIGINT NOT NULL | messages of both sides
        student_messages | BIGINT NOT NULL | messages of the student
        messages_with_errors | BIGINT NOT NULL | messages of the student that were corrected
        error_rate | DOUBLE NOT NULL | messages_with_errors / student_messages, 0 when there are none
        {KNOWN_AT}
    """),
    key=("conversation_id",),
    expectations=(
        one_of("cefr_level", *LEVELS),
        between("error_rate", 0, 1),
        ordered("ended_at", "started_at"),
        ordered("student_messages", "messages_with_errors"),
        ordered("message_count", "student_messages"),
    ),
    publish=Publish.MERGE,
    clustered="started_at",
)

MESSAGES = Contract(
    "silver.messages",
    "One row a message; the text itself stays in bronze.",
    columns(f"""
        message_id | STRING NOT NULL | the app's id
        conversation_id | STRING NOT NULL | the conversation it belongs to
        student_id | STRING NOT NULL | whose conversation
        role | STRING NOT NULL | user or assistant
        content_length | INT | characters in the message
        corrections | {CORRECTIONS} | of what kind each correction was; what was written stays in bronze
        error_count | INT NOT NULL | number of corrections
        sent_at | TIMESTAMP NOT NULL | when, UTC
        {KNOWN_AT}
    """),
    key=("message_id",),
    expectations=(
        one_of("role", "user", "assistant"),
        between("error_count", 0, None),
        between("content_length", 0, None),
    ),
    publish=Publish.MERGE,
    clustered="sent_at",
)

LESSONS = Contract(
    "silver.lessons",
    "The lesson catalogue.",
    columns(f"""
        lesson_id | STRING NOT NULL | the app's id
        language | STRING NOT NULL | language taught
        lesson_type | STRING | vocabulary, grammar or listening
        title | STRING | title
        subject | STRING | subject
        cefr_level | STRING | level of difficulty, A1 to C2
        order_index | INT | place in the course
        is_active | BOOLEAN | offered at present
        {KNOWN_AT}
    """),
    key=("lesson_id",),
    expectations=(one_of("cefr_level", *LEVELS),),
    publish=Publish.MERGE,
)

ASSESSMENTS = Contract(
    "silver.assessments",
    "The assessment catalogue.",
    columns(f"""
        assessment_id | STRING NOT NULL | the app's id
        language | STRING NOT NULL | language assessed
        assessment_type | STRING | cefr_placement, vocabulary, grammar or comprehensive
        title | STRING | title
        cefr_level | STRING | level of difficulty, A1 to C2
        duration_minutes | DOUBLE | minutes allowed
        is_active | BOOLEAN | offered at present
        {KNOWN_AT}
    """),
    key=("assessment_id",),
    expectations=(one_of("cefr_level", *LEVELS),),
    publish=Publish.MERGE,
)

LESSON_PROGRESS = Contract(
    "silver.lesson_progress",
    "One row a student and lesson: how far they got.",
    columns(f"""
        progress_id | STRING NOT NULL | the app's id
        student_id | STRING NOT NULL | who
        lesson_id | STRING NOT NULL | which lesson
        language | STRING NOT NULL | language of the lesson
        lesson_type | STRING | from the catalogue
        subject | STRING | from the catalogue
        title | STRING | from the catalogue
        lesson_level | STRING | level of the lesson, A1 to C2
        status | STRING NOT NULL | not_started, in_progress or completed
        completion_percentage | DOUBLE | 0 to 100, overwritten by the app
        mastery_score | DOUBLE | 0 to 1, overwritten by the app until completion
        started_at | TIMESTAMP | first opened, UTC
        completed_at | TIMESTAMP | completed, UTC
        last_accessed_at | TIMESTAMP | last opened, overwritten by the app
        hours_to_complete | DOUBLE | hours from started_at to completed_at
        {KNOWN_AT}
    """),
    key=("progress_id",),
    expectations=(
        one_of("status", "not_started", "in_progress", "completed"),
        between("completion_percentage", 0, 100),
        between("mastery_score", 0, 1),
        ordered("completed_at", "started_at"),
    ),
    publish=Publish.MERGE,
    clustered="started_at",
)

ASSESSMENT_ATTEMPTS = Contract(
    "silver.assessment_attempts",
    "One row an attempt at an assessment.",
    columns(f"""
        attempt_id | STRING NOT NULL | the app's id
        student_id | STRING NOT NULL | who
        assessment_id | STRING NOT NULL | which assessment
        language | STRING NOT NULL | language assessed
        assessment_type | STRING | from the catalogue
        assessment_level | STRING | level of the assessment, A1 to C2
        score | DOUBLE | 0 to 100
        total_questions | INT | questions asked
        correct_answers | INT | questions answered right
        started_at | TIMESTAMP | begun, UTC
        completed_at | TIMESTAMP | handed in, UTC; null while unfinished
        duration_minutes | DOUBLE | minutes from begun to handed in
        recommended_level | STRING | level the assessment recommends
        skills | {SKILLS} | result per skill
        attempt_number | INT | 1 for the student's first completed attempt in the language; null while unfinished
        score_change | DOUBLE | score minus that of the student's previous completed attempt in the language
        {KNOWN_AT}
    """),
    key=("attempt_id",),
    expectations=(
        between("score", 0, 100),
        ordered("completed_at", "started_at"),
        ordered("total_questions", "correct_answers"),
        one_of("recommended_level", *LEVELS),
    ),
    publish=Publish.MERGE,
    clustered="completed_at",
)

STUDENT_LEVELS = Contract(
    "silver.student_levels",
    "The history of levels, one row for each value that was received.",
    columns(f"""
        student_id | STRING NOT NULL | who
        language | STRING NOT NULL | in which language
        cefr_level | STRING NOT NULL | level, A1 to C2
        proficiency_score | DOUBLE | 0 to 100
        assessed_at | TIMESTAMP NOT NULL | when the level was given, UTC
        {KNOWN_AT}
    """),
    key=("student_id", "language", "assessed_at", "known_at"),
    expectations=(one_of("cefr_level", *LEVELS), between("proficiency_score", 0, 100)),
    publish=Publish.MERGE,
)

CLOSURES = Contract(
    "silver.closures",
    "School holidays and course ends: days on which nobody is expected. A correction closes a row and adds a new one; "
    "one that is called off closes it.",
    columns(f"""
        language | STRING NOT NULL | whose learners, or all
        closed_from | DATE NOT NULL | the first day
        closed_to | DATE NOT NULL | the last day
        {KNOWN_AT}
        superseded_at | TIMESTAMP | when a correction replaced it, or it was called off
    """),
    key=("language", "closed_from", "known_at"),
    expectations=(ordered("closed_to", "closed_from"),),
    publish=Publish.MERGE,
    pinned=True,
)

INTERVENTIONS = Contract(
    "silver.interventions",
    "When a tutor got in touch with a student.",
    columns(f"""
        student_id | STRING NOT NULL | who
        contacted_at | TIMESTAMP NOT NULL | when, UTC
        channel | STRING | by what means: mail, call, message
        {KNOWN_AT}
    """),
    key=("student_id", "contacted_at"),
    expectations=(ordered("known_at", "contacted_at"),),
    publish=Publish.MERGE,
)

EVENT_TYPES = ("conversation", "message", "lesson_started", "lesson_completed", "attempt", "lesson_accessed", "level")

LEARNING_EVENTS = Contract(
    "silver.learning_events",
    "The one log that features are made from. A correction closes the old event and adds a new one.",
    columns(f"""
        event_type | STRING NOT NULL | {", ".join(EVENT_TYPES)}
        ref_id | STRING NOT NULL | id of the record; for messages conversation and day; for levels student and language
        student_id | STRING NOT NULL | who
        language | STRING | in which language
        event_at | TIMESTAMP NOT NULL | when the learner did it, UTC
        {KNOWN_AT}
        superseded_at | TIMESTAMP | when a correction or a newer value replaced it
        cefr_level | STRING | level of the conversation, lesson or assessment, or the level given
        messages | INT | message: the student's messages of that conversation and day
        messages_with_errors | INT | message: of those, how many were corrected
        grammar_errors | INT | message: corrections of grammar in them
        vocabulary_errors | INT | message: corrections of vocabulary
        spelling_errors | INT | message: corrections of spelling
        minutes | DOUBLE | message: minutes from the first to the last message of either side; attempt: duration
        score | DOUBLE | attempt: 0 to 100; level: proficiency 0 to 100
        mastery | DOUBLE | lesson_completed: 0 to 1
        topic | STRING | conversation: its topic; lesson: its subject; attempt: the assessment's type
    """),
    key=("event_type", "ref_id", "known_at"),
    expectations=(
        one_of("event_type", *EVENT_TYPES),
        ordered("known_at", "event_at"),
        between("score", 0, 100),
    ),
    publish=Publish.MERGE,
    clustered="event_at",
    partitioned="event_type",
    tracked=True,
    pinned=True,
)

STUDENT_PROFILES = Contract(
    "silver.student_profiles",
    "One row a student and language with any record at all, assessed or not.",
    columns("""
        student_id | STRING NOT NULL | who
        language | STRING NOT NULL | in which language
        first_activity_at | TIMESTAMP | first conversation, lesson or attempt
        last_activity_at | TIMESTAMP | latest conversation, lesson or attempt
        conversations | BIGINT NOT NULL | conversations in all
        student_messages | BIGINT NOT NULL | messages of the student in all
        lessons_started | BIGINT NOT NULL | lessons begun
        lessons_completed | BIGINT NOT NULL | lessons completed
        attempts | BIGINT NOT NULL | assessments handed in
        avg_score | DOUBLE | mean score of those
        avg_score_change | DOUBLE | mean change from one to the next
        current_level | STRING | the newest level by assessed_at
        proficiency_score | DOUBLE | the proficiency given with it, 0 to 100
    """),
    key=("student_id", "language"),
    expectations=(
        one_of("current_level", *LEVELS),
        between("avg_score", 0, 100),
        ordered("last_activity_at", "first_activity_at"),
    ),
    publish=Publish.MERGE,
)

CONTRACTS = (
    CONVERSATIONS, MESSAGES, LESSONS, ASSESSMENTS, LESSON_PROGRESS, ASSESSMENT_ATTEMPTS, STUDENT_LEVELS,
    CLOSURES, INTERVENTIONS, LEARNING_EVENTS, STUDENT_PROFILES,
)  # fmt: skip
