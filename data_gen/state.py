"""What students have lived so far, and the log of what the app records for ever."""

from dataclasses import dataclass, field

import numpy as np

from data_gen.arrays import NEVER, Bools, Floats, Ints
from data_gen.catalogue import LESSONS_PER_LANGUAGE, LESSONS_PER_LEVEL, Lessons
from data_gen.students import Students

UNSEEN, NOT_STARTED, IN_PROGRESS, COMPLETED = range(4)

EASY_ENOUGH = 0.9


@dataclass(frozen=True)
class Sessions:
    """Who is active today: row of the student, which of their two languages, second since 1970 when they sit down."""

    student: Ints
    slot: Ints
    start: Ints

    def __len__(self) -> int:
        return len(self.student)

    def where(self, mask: Bools) -> "Sessions":
        """The sessions that satisfy the mask."""
        return Sessions(self.student[mask], self.slot[mask], self.start[mask])


@dataclass
class Shelf:
    """The newest state of each student's lessons, shape (student, language slot, lesson); times in seconds or NEVER."""

    status: Ints
    started: Ints
    completed: Ints
    accessed: Ints
    mastery: Floats
    percent: Floats

    @classmethod
    def empty(cls, students: int) -> "Shelf":
        """No lesson has been seen yet."""
        shape = (students, 2, LESSONS_PER_LANGUAGE)
        return cls(
            status=np.full(shape, UNSEEN, np.int8),
            started=np.full(shape, NEVER, np.int64),
            completed=np.full(shape, NEVER, np.int64),
            accessed=np.full(shape, NEVER, np.int64),
            mastery=np.full(shape, np.nan, np.float32),
            percent=np.zeros(shape, np.float32),
        )

    def touched(self, sessions: Sessions, since: int) -> dict[str, np.ndarray]:
        """The lessons that today's students accessed from `since` on: student, slot, lesson and their state."""
        session, lesson = np.nonzero(self.accessed[sessions.student, sessions.slot] >= since)
        at = (sessions.student[session], sessions.slot[session], lesson)
        state = {name: column[at] for name, column in vars(self).items()}
        return {"student": at[0], "slot": at[1], "lesson": at[2], **state}


@dataclass
class Log:
    """Rows that are written once, gathered day by day, a list of arrays per column."""

    days: list[dict[str, np.ndarray]] = field(default_factory=list)

    def add(self, **columns: np.ndarray) -> None:
        """Append one day's rows."""
        self.days.append(columns)

    def columns(self) -> dict[str, np.ndarray]:
        """All rows so far, column by column, in the order they were added."""
        return {name: np.concatenate([day[name] for day in self.days]) for name in self.days[0]}


@dataclass
class Life:
    """The students' state as of the end of a day. Skill, level, attempts and open lessons are per language slot."""

    skill: Floats
    level: Ints
    form: Floats
    recent_score: Floats
    recent_errors: Floats
    last_active: Ints
    busy_until: Ints
    dry_days: Ints
    left: Ints
    cause: Ints
    attempts: Ints
    open_lesson: Ints
    shelf: Shelf
    conversations: Log = field(default_factory=Log)
    student_messages: Log = field(default_factory=Log)
    assessment_attempts: Log = field(default_factory=Log)
    lesson_evenings: Log = field(default_factory=Log)

    @classmethod
    def before(cls, students: Students) -> "Life":
        """Before anybody has joined."""
        n = len(students)
        return cls(
            skill=students.skill.copy(),
            level=students.level.copy(),
            form=np.zeros(n),
            recent_score=np.full(n, np.nan),
            recent_errors=np.full(n, np.nan),
            last_active=students.joined.copy(),
            busy_until=np.zeros(n, np.int64),
            dry_days=np.zeros(n, np.int64),
            left=np.full(n, NEVER, np.int64),
            cause=np.full(n, NEVER, np.int64),
            attempts=np.zeros((n, 2), np.int64),
            open_lesson=np.full((n, 2), NEVER, np.int64),
            shelf=Shelf.empty(n),
        )


def lessons_in_reach(students: Students, life: Life, lessons: Lessons, student: Ints, slot: Ints) -> tuple[Ints, Bools]:
    """The lessons at the current level of each (student, slot), and which of them are unbegun and easy enough."""
    language, level = students.languages[student, slot], life.level[student, slot]
    at_level = level[:, None] * LESSONS_PER_LEVEL + np.arange(LESSONS_PER_LEVEL)
    unbegun = life.shelf.status[student[:, None], slot[:, None], at_level] <= NOT_STARTED
    ready_for = (life.skill[student, slot] - level + EASY_ENOUGH)[:, None]
    in_reach = unbegun & (lessons.difficulty[language[:, None], at_level] <= ready_for)
    return at_level, in_reach & (language != NEVER)[:, None]


def blend(old: Floats, new: Floats, weight: float) -> Floats:
    """An exponentially weighted mean that starts with its first value."""
    return np.where(np.isnan(old), new, (1.0 - weight) * old + weight * new)
