"""The silver step: what bronze has new goes through the rules, and what it touches is made again, gated and merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, reduce

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Run
from lakehouse.code import code_hash
from lakehouse.contracts import Contract, Publish
from lakehouse.errors import GateFailed
from lakehouse.lake import Lake
from lakehouse.merge import Bounds
from lakehouse.ops import QUARANTINE
from lakehouse.publish import WORKERS, Step
from lakehouse.rows import frame_of
from lakehouse.words import INDENT, count
from pipelines.silver import contracts as c
from pipelines.silver import events, tables
from pipelines.silver.balance import MOST_REFUSED, balance, balance_contract, refused_share
from pipelines.silver.batch import look_again, rank, silver, students
from pipelines.silver.quarantine import commonest, freed, known_from_kept, refused_before, set_aside, waits
from pipelines.silver.reach import Received
from pipelines.silver.received import CODE, STATE, MadeFrom, as_it_stands, bronze_now, made_from, received
from pipelines.silver.replay import release
from pipelines.silver.seen import Seen, seen
from pipelines.silver.stream import catch_up, start_over
from pipelines.silver.version_tables import SILVER_OF, widen

CATALOGUES = (c.LESSONS, c.ASSESSMENTS, c.CLOSURES, c.INTERVENTIONS)
"""Small tables that a batch looks at whole, and makes where one of their rows is new."""
REFUSED = (
    "They are in bronze and not in quarantine yet. Mend the rule in pipelines/silver/raw.py and run `-e "
    "rebuild_silver`; or take the batch in as it is by `-e ingest -P most_refused=1`: then `-e quarantine` shows the "
    "rows, and tries them again by `-P action=replay` once the rule is mended."
)


def run(run: Run) -> None:
    """Bring silver up to what bronze holds: whole the first time and after a restore, else only what new rows touch.

    Raises:
        GateFailed: when a table breaks its contract, rows do not balance, or too many new rows break a rule.
    """
    lake = run.lake
    with run.step("silver") as step:
        if lake.exists(c.CLOSURES.name):
            # A batch reads it before it publishes; one of an earlier release has to gain its new column by then.
            lake.create(c.CLOSURES)
        before = made_from(lake)
        if before is None or before.code != code_hash(CODE):
            widen(lake)
        bronze = bronze_now(lake, before)
        with lake.tuned_for(bronze.new_rows(before), sum(bronze.rows.values())):
            if before is None:
                release(lake, waits(lake))
                start_over(lake)
            catch_up(lake, bronze.moved(before))
            now = as_it_stands(lake, bronze)
            if before and before.tables == now.tables:
                step.rows[STATE] = asdict(replace(now, code=before.code))
                step.message = "nothing new in bronze, silver stands" + _hint(before, now)
                return
            # Rows that the batch leaves alone stay as earlier code made them.
            step.rows[STATE] = asdict(replace(now, code=before.code) if before else now)
            whole, why = before is None, ""
            try:
                came = received(lake, before, now, step.scratch)
            except PySparkException as error:
                if whole:
                    raise
                # Of what upkeep let go of since, nothing tells what came: everything may have.
                first, *_ = str(error).splitlines()
                whole, why = True, f"\n{INDENT}what came since the last batch can no more be told: {first}"
                came = received(lake, None, now, step.scratch)
            batch = Batch(step, before, now, came, whole, getattr(run.options, "most_refused", MOST_REFUSED))
            batch.publish()
        step.message = batch.told() + why + _hint(before, now)


@dataclass
class Batch:
    """One batch: what came between two states of the version tables, on its way into silver.

    Attributes:
        step: what it is staged and published by.
        before: what silver was made from so far; None where that counts no more.
        now: what it is made from now.
        came: by raw table, what the batch is made of.
        whole: whether silver is made from everything rather than from what is new.
        most_refused: of the rows that no batch judged before, the share that rules may refuse.
    """

    step: Step
    before: MadeFrom | None
    now: MadeFrom
    came: Mapping[str, Received]
    whole: bool
    most_refused: float

    @property
    def lake(self) -> Lake:
        """The lake that is written to."""
        return self.step.lake

    def publish(self) -> None:
        """Stage, gate and publish every table that the batch touches, all or none."""
        made = {k: f for k, f in silver(self.versions, self.step.scratch).items() if self._touches(k)}
        self.step.stage_all({self._published_as(contract): frame for contract, frame in made.items()})
        self._bound(made)
        for contract in self.replaced.keys() & made.keys():
            self.step.replaces(contract, self.replaced[contract]())
        with ThreadPoolExecutor(1) as beside:
            profiles = beside.submit(self._stage_profiles, made)
            self._balance(made, self._set_aside())
            profiles.result()
        self.step.publish()

    def told(self) -> str:
        """The batch in a sentence."""
        sums = [row for name, row in self.step.rows.items() if name.startswith("bronze.")]
        accepted, superseded, quarantined, released = (
            sum(row[name] for row in sums) for name in ("accepted", "superseded", "quarantined", "released")
        )
        told = f"{count(accepted, 'row')} accepted, {superseded:,} superseded, {quarantined:,} set aside"
        told += f", {released:,} released" if released else ""
        return told + (" (silver made whole)" if self.whole else "")

    @cached_property
    def versions(self) -> dict[str, DataFrame]:
        """The ranked versions that the batch looks at, by raw table."""
        return rank(look_again(self.came, self.step.scratch), self.step.scratch)

    @cached_property
    def seen(self) -> dict[str, Seen]:
        """What the batch looks at, by raw table."""
        return seen(self.versions)

    @property
    def replaced(self) -> dict[Contract, Callable[[], DataFrame]]:
        """The published rows whose place the batch takes, by table: where that is not told by their keys alone."""
        return {
            c.LEARNING_EVENTS: self._events_of_these_records,
            c.STUDENT_LEVELS: self._levels_of_these_students,
            c.CLOSURES: lambda: self._published(c.CLOSURES),
        }

    def _touches(self, contract: Contract) -> bool:
        if self.whole:
            return True
        if contract is c.LEARNING_EVENTS:
            return any(span.rows for table, span in self.seen.items() if SILVER_OF[table] not in CATALOGUES)
        span = next(self.seen[table] for table, of in SILVER_OF.items() if of is contract)
        return span.fresh > 0 if contract in CATALOGUES else span.rows > 0

    def _published_as(self, contract: Contract) -> Contract:
        return replace(contract, publish=Publish.REPLACE) if self.whole else contract

    def _stage_profiles(self, made: Mapping[Contract, DataFrame]) -> None:
        """The profiles of the students touched, from the tables as they will stand."""
        if c.LEARNING_EVENTS not in made:
            return
        of = (c.CONVERSATIONS, c.LESSON_PROGRESS, c.ASSESSMENT_ATTEMPTS, c.STUDENT_LEVELS)
        touched = self.step.scratch("students", students(self.versions))
        mine = [self._as_it_will_stand(k, k in made, touched) for k in of]
        self.step.stage(self._published_as(c.STUDENT_PROFILES), tables.student_profiles(*mine))
        theirs = self._published(c.STUDENT_PROFILES).join(touched, "student_id", "left_semi")
        self.step.replaces(c.STUDENT_PROFILES, theirs)

    def _as_it_will_stand(self, contract: Contract, staged: bool, touched: DataFrame) -> DataFrame:
        """The rows of these students."""
        if self.whole:
            return self.step.staged(contract)
        published = self.lake.table(contract.name).join(touched, "student_id", "left_semi")
        if not staged:
            return published
        new, key = self.step.staged(contract), list(contract.key)
        theirs = new.join(touched, "student_id", "left_semi")
        gone = self.replaced[contract]() if contract in self.replaced else new
        return published.join(gone.select(*key), key, "left_anti").unionByName(theirs)

    def _events_of_these_records(self) -> DataFrame:
        """The published events of the records that the batch looks at."""
        published = self._published(c.LEARNING_EVENTS)
        found = published.where(events.of_student())
        if span := self._span("conversations", "messages", "lesson_progress"):
            near = Bounds(c.LEARNING_EVENTS.clustered, *span).condition()
            found = found.unionByName(published.where(~events.of_student()).where(near))
        named = found.withColumn("record", events.record_of())
        return named.join(events.records(self.versions), ["event_type", "record"], "left_semi")

    def _levels_of_these_students(self) -> DataFrame:
        """The published levels of the students whose levels the batch looks at: it looks at all of theirs."""
        theirs = self.versions["user_levels"].select("student_id")
        return self._published(c.STUDENT_LEVELS).join(theirs, "student_id", "left_semi")

    def _published(self, contract: Contract) -> DataFrame:
        """The rows of a table; none of one that is made whole."""
        if self.whole or not self.lake.exists(contract.name):
            return frame_of(self.lake.spark, contract, [])
        return self.lake.table(contract.name)

    def _bound(self, made: Mapping[Contract, DataFrame]) -> None:
        for table, contract in SILVER_OF.items():
            if contract in made and contract.clustered and (span := self._span(table)):
                self.step.within(contract, *span)

    def _span(self, *tables: str) -> tuple[str, str] | None:
        """The earliest and latest time in what the batch looks at of these raw tables; None where there is none."""
        times = [moment for table in tables for moment in (self.seen[table].low, self.seen[table].high) if moment]
        return (min(times), max(times)) if times else None

    def _set_aside(self) -> dict[tuple[str, bool], int]:
        """Stage what goes into quarantine and what leaves it; returns rows by table and whether they leave."""
        parts = [
            set_aside(self.versions[table], self._bronze_since(table, seen.first_bad), SILVER_OF[table].name)
            for table, seen in self.seen.items()
            if seen.first_bad is not None
        ]
        waiting = waits(self.lake).where("table_name LIKE 'silver.%'")
        published = self.lake.table(QUARANTINE.name)
        now, held = datetime.now(UTC), {row[0] for row in waiting.select("table_name").distinct().collect()}
        asked = [(table, k.name) for table, k in SILVER_OF.items() if k.name in held and self.seen[table].rows]
        parts += [freed(waiting, self.versions[table], name, now) for table, name in asked]
        if not parts and not self.whole:
            return {}
        moved = reduce(DataFrame.unionByName, parts, published.limit(0))
        staged = self.step.stage(QUARANTINE, known_from_kept(moved, published))
        if self.whole:
            # All that still waits is staged; what else waited is of rows that bronze holds no more.
            again = published.join(staged, list(QUARANTINE.key), "left_semi")
            self.step.replaces(QUARANTINE, waiting.unionByName(again).distinct())
        moves = staged.groupBy("table_name", F.col("released_at").isNotNull().alias("freed"))
        return {(r.table_name, r.freed): r.copies for r in moves.agg(F.sum("copies").alias("copies")).collect()}

    def _bronze_since(self, table: str, first: datetime) -> DataFrame:
        return self.lake.table(f"bronze.{table}").where(F.col("_ingested_at") >= F.lit(first))

    def _balance(self, made: Mapping[Contract, DataFrame], copies: Mapping[tuple[str, bool], int]) -> None:
        """Count where every row went, from bronze itself and from what is staged, and gate the sums."""
        with ThreadPoolExecutor(WORKERS) as pool:
            stood = list(pool.map(lambda k: self._stands(k, k in made), SILVER_OF.values()))
        rows, judged = [], self._judged()
        for (table, contract), stands in zip(SILVER_OF.items(), stood, strict=True):
            held, free = copies.get((contract.name, False), 0), copies.get((contract.name, True), 0)
            share = refused_share(*judged[table])
            rows.append(balance(table, self._rows_in(table), self.seen[table], stands, held, free, share))
        gate = balance_contract(self.most_refused)
        try:
            self.step.check(gate, frame_of(self.lake.spark, gate, rows))
        except GateFailed as failed:
            if not any(span.refused for span in self.seen.values()):
                raise
            told = "\n  ".join(["Rows were refused for:", *commonest(self.versions)])
            raise GateFailed(f"{failed}\n{told}\n{REFUSED}") from None
        names = gate.column_names()
        for row in rows:
            self.step.rows[f"bronze.{row[0]}"] = dict(zip(names[1:], row[1:], strict=True))

    def _stands(self, contract: Contract, made: bool) -> int:
        """The records that stand, of those that the batch looked at: of a catalogue all, of another table that it
        leaves alone none.
        """
        if contract is c.CLOSURES:
            # Its table keeps what a correction replaced or called off.
            told = self.step.staged(contract) if made else self.lake.table(contract.name)
            return told.where("superseded_at IS NULL").count()
        if made:
            return self.step.count(contract)
        return self.lake.table(contract.name).count() if contract in CATALOGUES else 0

    def _rows_in(self, table: str) -> int:
        name = f"bronze.{table}"
        old = 0 if self.whole or self.before is None else self.before.rows[name]
        return self.now.rows[name] - old + self.seen[table].again

    def _judged(self) -> dict[str, tuple[int, int]]:
        """Of the rows that no batch judged before, by raw table: how many a rule refuses, and how many there are."""
        if not self.whole:
            return {table: (seen.refused, self._rows_in(table)) for table, seen in self.seen.items()}
        old = refused_before(self.versions, self.lake.table(QUARANTINE.name))
        judged = self.before.rows if self.before else {f"bronze.{table}": rows for table, rows in old.items()}
        return {
            table: (seen.refused - old[table], self._rows_in(table) - judged[f"bronze.{table}"])
            for table, seen in self.seen.items()
        }


def _hint(before: MadeFrom | None, now: MadeFrom) -> str:
    if before is None or before.code == now.code:
        return ""
    return f"\n{INDENT}silver was made by earlier code; `-e rebuild_silver` makes all of it by the present one"
