"""silver.learning_events: every record as events at their own times; corrections close an event and open another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.silver.tables import errors, errors_of, minutes
from pipelines.silver.versions import age, during, good, lasting, overtaken, spells

SAID = {
    "messages": "int", "messages_with_errors": "int", "grammar_errors": "int", "vocabulary_errors": "int",
    "spelling_errors": "int",
}  # fmt: skip
"""What is counted of a student's messages."""
MEASURES = {
    "cefr_level": "string", **SAID, "minutes": "double", "score": "double",
    "mastery": "double", "topic": "string",
}  # fmt: skip
CONTENT = ["student_id", "language", "event_at", *MEASURES]
VERSION = ["live", "known_at", "received_at", "event_time", "_ingested_at", "_source_file", "row_hash"]
OWNER = ["student_id", "language", "cefr_level", "topic"]


def learning_events(v: Mapping[str, DataFrame]) -> DataFrame:
    """The log of all records of which `v` holds every version.

    Args:
        v: ranked versions by raw table; of the two catalogues all entries.
    """
    study, taken = good(v["lesson_progress"]), good(v["assessment_attempts"])
    lessons = _Taught(v["lessons"], "lesson_id", "subject")
    assessments = _Taught(v["assessments"], "assessment_id", "assessment_type")
    begun = F.when(F.col("status") != "not_started", F.col("started_at"))
    finished = F.when(F.col("status") == "completed", F.col("completed_at"))
    duration = minutes(F.col("started_at"), F.col("completed_at"))
    revised = [
        _events(good(v["conversations"]), "conversation", "conversation_id", F.col("started_at"),
                {"cefr_level": F.col("cefr_level"), "topic": F.col("topic")}),
        _events(study, "lesson_started", "progress_id", begun, {}, lessons),
        _events(study, "lesson_completed", "progress_id", finished, {"mastery": F.col("mastery_score")}, lessons),
        _events(taken, "attempt", "attempt_id", F.col("completed_at"),
                {"score": F.col("score"), "minutes": duration}, assessments),
        _events(good(v["user_levels"]).where("live"), "level", F.concat_ws("|", "student_id", "language"),
                F.col("assessed_at"), {"cefr_level": F.col("cefr_level"), "score": F.col("proficiency_score")}),
        _events(study.where("live AND last_accessed_at IS NOT NULL"), "lesson_accessed",
                F.concat_ws("@", "progress_id", "last_accessed_at"), F.col("last_accessed_at"), {}, lessons),
    ]  # fmt: skip
    parts = [history(reduce(DataFrame.unionByName, revised)), message_days(v["messages"], v["conversations"])]
    return reduce(DataFrame.unionByName, parts)


def records(v: Mapping[str, DataFrame]) -> DataFrame:
    """The records that `learning_events` of the same versions speaks of, once a version: event_type and `record`, see
    `record_of`.
    """
    of = {
        "conversations": (("conversation", "message"), F.col("conversation_id")),
        "lesson_progress": (("lesson_started", "lesson_completed", "lesson_accessed"), F.col("progress_id")),
        "assessment_attempts": (("attempt",), F.col("attempt_id")),
        "user_levels": (("level",), F.concat_ws("|", "student_id", "language")),
    }
    named = [
        v[table].select(F.explode(F.array(*map(F.lit, kinds))).alias("event_type"), record.alias("record"))
        for table, (kinds, record) in of.items()
    ]
    return reduce(DataFrame.unionByName, named)


def of_student() -> Column:
    """Whether an event is of a kind of which a batch looks at all that a student has, however old.

    Of the other kinds it looks at single records, by the times that these tell.
    """
    return F.col("event_type").isin("attempt", "level")


def record_of() -> Column:
    """The record an event is of: its ref_id, for messages and accesses without the day or time after the last @."""
    return F.when(
        F.col("event_type").isin("message", "lesson_accessed"), F.regexp_replace("ref_id", "@[^@]*$", "")
    ).otherwise(F.col("ref_id"))


@dataclass(frozen=True)
class _Taught:
    """A catalogue that gives events their level and topic: its ranked versions, its key, its column for the topic."""

    versions: DataFrame
    key: str
    topic: str

    def tell(self, events: DataFrame) -> DataFrame:
        """Events with `cefr_level` and `topic` of their entry as these were known when the event became known."""
        entries = spells(self.versions, self.key, ["cefr_level", self.topic])
        named = entries.withColumnsRenamed({"cefr_level": "_level", self.topic: "_topic"})
        joined = events.join(named, self.key).where(during(F.col("known_at")))
        return joined.withColumns({"cefr_level": F.col("_level"), "topic": F.col("_topic")})


def history(events: DataFrame) -> DataFrame:
    """Close each event where a later version of its record says otherwise.

    Args:
        events: one row a version, with a null `event_at` where that version tells of no event.

    Returns:
        Rows whose content is new and that were not overtaken, each with `superseded_at`: when the next version became
        known; for a backfill replaced by a backfill its own `known_at`, since it was never true.
    """
    same_moment = Window.partitionBy("event_type", "ref_id", "known_at").orderBy(*age())
    later = Window.partitionBy("event_type", "ref_id").orderBy(*age())
    never = F.lead("row_hash").over(same_moment).isNotNull() | (F.col("live") & overtaken("event_type", "ref_id"))
    settled = events.withColumn("_never", never).where("NOT _never").withColumn("_content", F.struct(*CONTENT))
    changed = settled.withColumn("_before", F.lag("_content").over(later)).where("NOT (_before <=> _content)")
    replaced = F.lead("live").over(later)
    redone = ~F.col("live") & ~replaced
    until = F.when(redone, F.col("known_at")).when(replaced.isNotNull(), F.lead("known_at").over(later))
    closed = changed.withColumn("superseded_at", until).where("event_at IS NOT NULL")
    return closed.select("event_type", "ref_id", *CONTENT, "known_at", "superseded_at")


def message_days(messages: DataFrame, conversations: DataFrame) -> DataFrame:
    """Message events: per conversation and UTC day what its messages were, a row for each time that they, or what is
    known of their conversation, changed; none for a time at which there was no message.

    Backfilled messages of a day are known from the last of them.

    Args:
        messages: ranked versions of the messages of these conversations.
        conversations: ranked versions.
    """
    owners = spells(conversations, "conversation_id", OWNER)
    revised = owners.groupBy("conversation_id").agg(F.collect_list("_from").alias("_revised"))
    said = F.collect_list(F.struct("_from", "_until", "sent_at", *SAID)).alias("_said")
    days = _lived(lasting(messages, "message_id")).groupBy("conversation_id", "_day").agg(
        said, F.min("_from").alias("_begun")
    )  # fmt: skip
    of_day = ["conversation_id", "_day", "known_at"]
    each = days.join(revised, "conversation_id").withColumn("known_at", F.explode(_moments()))
    there = during(F.col("known_at"))
    told = each.select(*of_day, F.inline("_said")).groupBy(*of_day).agg(
        *[F.coalesce(F.sum(F.when(there, F.col(n))), F.lit(0)).cast(kind).alias(n) for n, kind in SAID.items()],
        F.min(F.when(there, F.col("sent_at"))).alias("event_at"), F.max(F.when(there, F.col("sent_at"))).alias("_last"),
    )  # fmt: skip
    next_change = F.lead("known_at").over(Window.partitionBy("conversation_id", "_day").orderBy("known_at"))
    closed = told.withColumns({"superseded_at": next_change, "minutes": minutes(F.col("event_at"), F.col("_last"))})
    owned = closed.where("event_at IS NOT NULL").join(owners, "conversation_id").where(there)
    given = {*SAID, "minutes", *OWNER}
    return _shaped(owned, "message", F.concat_ws("@", "conversation_id", "_day"), given).select(
        "event_type", "ref_id", *CONTENT, "known_at", "superseded_at"
    )


def _lived(versions: DataFrame) -> DataFrame:
    """From when to when each version of a message counts on its day, and what it adds to it.

    A live message that is stamped after the midnight at which its batch counts as known is known when it was sent.
    """
    known = F.when(F.col("live"), F.greatest("known_at", "sent_at")).otherwise(F.col("known_at"))
    until = F.lead("known_at").over(Window.partitionBy("message_id").orderBy(*age()))
    lived = versions.withColumn("known_at", known).withColumns({"_until": until, "_day": F.to_date("sent_at")})
    of_day = Window.partitionBy("conversation_id", "_day")
    backfilled = F.max(F.when(~F.col("live"), F.col("known_at"))).over(of_day)
    since = F.when(F.col("live"), F.col("known_at")).otherwise(backfilled)
    mine = (F.col("role") == "user").cast("int")
    counts = {"messages": mine, "messages_with_errors": F.when(errors() > 0, mine).otherwise(0)}
    counts |= {f"{kind}_errors": errors_of(kind) * mine for kind in ("grammar", "vocabulary", "spelling")}
    counted = lived.withColumn("_from", since).where("_until IS NULL OR _until > _from")
    return counted.select(
        "conversation_id", "_day", "_from", "_until", "sent_at",
        *[count.alias(name) for name, count in counts.items()],
    )  # fmt: skip


def _moments() -> Column:
    """When what a day's messages were changed: one came, one was replaced, or their conversation was revised since."""
    came = F.transform("_said", lambda one: one["_from"])
    went = F.filter(F.transform("_said", lambda one: one["_until"]), lambda moment: moment.isNotNull())
    revised = F.filter("_revised", lambda moment: moment > F.col("_begun"))
    return F.array_distinct(F.concat(came, went, revised))


def _events(
    versions: DataFrame, kind: str, ref: str | Column, event_at: Column, measures: Mapping[str, Column],
    catalogue: _Taught | None = None,
) -> DataFrame:  # fmt: skip
    reference = F.col(ref) if isinstance(ref, str) else ref
    timed = versions.withColumns({"event_at": event_at, **measures})
    arrived = F.when(F.col("live"), F.greatest("known_at", "event_at"))
    known = timed.withColumn("known_at", F.coalesce(arrived, "event_at", "known_at"))
    told = catalogue.tell(known) if catalogue else known
    given = {*measures, *(("cefr_level", "topic") if catalogue else ())}
    return _shaped(told, kind, reference, given).select("event_type", "ref_id", *CONTENT, *VERSION)


def _shaped(frame: DataFrame, kind: str, ref: Column, given: Collection[str]) -> DataFrame:
    absent = {name: F.lit(None).cast(t) for name, t in MEASURES.items() if name not in given}
    return frame.withColumns({"event_type": F.lit(kind), "ref_id": ref, **absent})
