"""silver.learning_events: every record as events at their own times; corrections close an event and open another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.silver.tables import errors, errors_of, minutes
from pipelines.silver.versions import age, during, good, lasting, spells

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
    """The records that `learning_events` of the same versions speaks of: event_type and `record`, see `record_of`."""
    of = {
        "conversation": v["conversations"].select(F.col("conversation_id").alias("record")),
        "message": v["conversations"].select(F.col("conversation_id").alias("record")),
        "lesson_started": v["lesson_progress"].select(F.col("progress_id").alias("record")),
        "lesson_completed": v["lesson_progress"].select(F.col("progress_id").alias("record")),
        "lesson_accessed": v["lesson_progress"].select(F.col("progress_id").alias("record")),
        "attempt": v["assessment_attempts"].select(F.col("attempt_id").alias("record")),
        "level": v["user_levels"].select(F.concat_ws("|", "student_id", "language").alias("record")),
    }
    named = [frame.distinct().withColumn("event_type", F.lit(kind)) for kind, frame in of.items()]
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
        Rows whose content is new, each with `superseded_at`: when the next version became known; for a backfill
        replaced by a backfill its own `known_at`, since it was never true.
    """
    same_moment = Window.partitionBy("event_type", "ref_id", "known_at").orderBy(*age())
    later = Window.partitionBy("event_type", "ref_id").orderBy(*age())
    last_word = F.lead("row_hash").over(same_moment).isNull()
    settled = events.withColumn("_last", last_word).where("_last").withColumn("_content", F.struct(*CONTENT))
    changed = settled.withColumn("_before", F.lag("_content").over(later)).where("NOT (_before <=> _content)")
    replaced = F.lead("live").over(later)
    redone = ~F.col("live") & ~replaced
    until = F.when(redone, F.col("known_at")).when(replaced.isNotNull(), F.lead("known_at").over(later))
    closed = changed.withColumn("superseded_at", until).where("event_at IS NOT NULL")
    return closed.select("event_type", "ref_id", *CONTENT, "known_at", "superseded_at")


def message_days(messages: DataFrame, conversations: DataFrame) -> DataFrame:
    """Message events: per conversation and UTC day the running counts, a row for each time that they, or what is known
    of their conversation, changed.

    A later version of a message takes back what the earlier one added. Backfilled messages of a day are known from the
    last of them.

    Args:
        messages: ranked versions of the messages of these conversations.
        conversations: ranked versions.
    """
    owners = spells(conversations, "conversation_id", OWNER)
    steps = _counted(_added_and_taken(lasting(messages, "message_id")))
    of_day = Window.partitionBy("conversation_id", "_day")
    so_far = of_day.orderBy("known_at").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    begun = steps.groupBy("conversation_id", "_day").agg(F.min("known_at").alias("_begun"))
    revised = owners.join(begun, "conversation_id").where("_from > _begun")
    nothing = F.lit(None).cast("timestamp")
    changes = revised.select(
        "conversation_id", "_day", F.col("_from").alias("known_at"), *[F.lit(0).alias(name) for name in SAID],
        nothing.alias("_first"), nothing.alias("_last"),
    )  # fmt: skip
    running = _summed(steps.unionByName(changes)).withColumns(
        {
            **{name: F.sum(name).over(so_far).cast(kind) for name, kind in SAID.items()},
            "event_at": F.min("_first").over(so_far),
            "minutes": minutes(F.min("_first").over(so_far), F.max("_last").over(so_far)),
            "superseded_at": F.lead("known_at").over(of_day.orderBy("known_at")),
        }
    )
    owned = running.join(owners, "conversation_id").where(during(F.col("known_at")))
    given = {*SAID, "minutes", *OWNER}
    return _shaped(owned, "message", F.concat_ws("@", "conversation_id", "_day"), given).select(
        "event_type", "ref_id", *CONTENT, "known_at", "superseded_at"
    )


def _added_and_taken(versions: DataFrame) -> DataFrame:
    """What each version of a message adds to its day when it becomes known, and takes back when it is replaced.

    A live message that is stamped after the midnight at which its batch counts as known is known when it was sent.
    """
    versions = versions.withColumn(
        "known_at", F.when(F.col("live"), F.greatest("known_at", "sent_at")).otherwise(F.col("known_at"))
    )
    day = [F.col("conversation_id"), F.to_date("sent_at").alias("_day")]
    mine = (F.col("role") == "user").cast("int")
    counts = {"messages": mine, "messages_with_errors": F.when(errors() > 0, mine).otherwise(0)}
    counts |= {f"{kind}_errors": errors_of(kind) * mine for kind in ("grammar", "vocabulary", "spelling")}
    until = F.lead("known_at").over(Window.partitionBy("message_id").orderBy(*age()))
    lived = versions.withColumn("_until", until)
    added = lived.select(*day, "live", "known_at", "sent_at", *[count.alias(name) for name, count in counts.items()])
    taken = lived.where("_until IS NOT NULL").select(
        *day, F.lit(True).alias("live"), F.greatest("_until", "known_at").alias("known_at"),
        F.lit(None).cast("timestamp").alias("sent_at"), *[(-count).alias(name) for name, count in counts.items()],
    )  # fmt: skip
    return added.unionByName(taken)


def _counted(moves: DataFrame) -> DataFrame:
    of_day = Window.partitionBy("conversation_id", "_day")
    backfilled = F.max(F.when(~F.col("live"), F.col("known_at"))).over(of_day)
    since = F.when(F.col("live"), F.col("known_at")).otherwise(backfilled)
    return _summed(moves.withColumns({"known_at": since, "_first": F.col("sent_at"), "_last": F.col("sent_at")}))


def _summed(steps: DataFrame) -> DataFrame:
    return steps.groupBy("conversation_id", "_day", "known_at").agg(
        *[F.sum(name).alias(name) for name in SAID], F.min("_first").alias("_first"), F.max("_last").alias("_last"),
    )  # fmt: skip


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
