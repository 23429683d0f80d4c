"""The feature store: the names of Databricks' client, on a laptop over Delta and on Databricks over that client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.contracts import KEYS, TIMESERIES
from lakehouse.errors import RadarError
from lakehouse.lake import Lake

if TYPE_CHECKING:
    from databricks.feature_engineering import FeatureLookup


class TrainingSet(Protocol):
    """What `create_training_set` gives."""

    def load_df(self) -> DataFrame:
        """The joined rows: the frame's columns, then features in order of lookup, then the label."""
        ...


class FeatureStore(Protocol):
    """The part of `databricks.feature_engineering.FeatureEngineeringClient` that this project uses."""

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Sequence[FeatureLookup], label: str | None,
        exclude_columns: Sequence[str] = (),
    ) -> TrainingSet:  # fmt: skip
        """A frame of keys, times and labels with features looked up as they were at those times."""
        ...

    def read_table(self, *, name: str) -> DataFrame:
        """A feature table's rows."""
        ...


def open_store(lake: Lake) -> FeatureStore:
    """The store of a lake: Databricks' own client on Databricks, the local one elsewhere."""
    return LocalFeatureStore(lake) if lake.settings.local else DatabricksFeatureStore()


class LocalFeatureStore:
    """Feature tables in the lake's own Delta tables; keys are kept as table properties."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Sequence[FeatureLookup], label: str | None,
        exclude_columns: Sequence[str] = (),
    ) -> LocalTrainingSet:  # fmt: skip
        """As Databricks' client; every table is pinned to its newest version now.

        Raises:
            RadarError: for an unknown table or feature, a missing or surplus key, a name given twice, a label that is
                not in the frame or is excluded.
        """
        lookups = [self._resolved(lookup) for lookup in feature_lookups]
        _check_columns(df, lookups, label, exclude_columns)
        return LocalTrainingSet(self.lake, df, tuple(lookups), label, tuple(exclude_columns))

    def read_table(self, *, name: str) -> DataFrame:
        """As Databricks' client: the rows of a feature table by its two- or three-level name."""
        return self.lake.table(_two_level(name))

    def _resolved(self, lookup: FeatureLookup) -> Lookup:
        table = _two_level(lookup.table_name)
        frame = self.lake.table(table)
        described = self.lake.spark.sql(f"SHOW TBLPROPERTIES {self.lake.name(table)}").collect()
        properties = {row.key: row.value for row in described}
        if KEYS not in properties:
            raise RadarError(f"{table} is no feature table: it has no primary keys.")
        time = properties[TIMESERIES]
        keys = [key for key in properties[KEYS].split(",") if key != time]
        given = [lookup.lookup_key] if isinstance(lookup.lookup_key, str) else list(lookup.lookup_key)
        if len(given) != len(keys):
            raise RadarError(f"{table} has the keys {keys}, and the lookup gives {given}.")
        moment = lookup.timestamp_lookup_key
        if not moment:
            raise RadarError(f"{table} holds features over time; its lookup needs a timestamp_lookup_key.")
        features = lookup._feature_names or [name for name in frame.columns if name not in (*keys, time)]
        unknown = [name for name in features if name not in frame.columns]
        if unknown:
            raise RadarError(f"{table} has no feature {', '.join(unknown)}; it has {', '.join(frame.columns)}.")
        moment = moment if isinstance(moment, str) else moment[0]
        renamed = dict(lookup._rename_outputs or {})
        return Lookup(
            table, self.lake.version(table), tuple(keys), time, tuple(given), moment, tuple(features), renamed
        )


class DatabricksFeatureStore:
    """A thin pass to Databricks' client."""

    def __init__(self) -> None:
        from databricks.feature_engineering import FeatureEngineeringClient

        self.client: Any = FeatureEngineeringClient()

    def create_training_set(
        self, *, df: DataFrame, feature_lookups: Sequence[FeatureLookup], label: str | None,
        exclude_columns: Sequence[str] = (),
    ) -> TrainingSet:  # fmt: skip
        """See the client; its native join, since the default one imports an undeclared package."""
        return self.client.create_training_set(
            df=df, feature_lookups=list(feature_lookups), label=label, exclude_columns=list(exclude_columns),
            use_spark_native_join=True,
        )  # fmt: skip

    def read_table(self, *, name: str) -> DataFrame:
        """See the client."""
        return self.client.read_table(name=name)


@dataclass(frozen=True)
class Lookup:
    """A resolved lookup: which features of which version of which table, by which columns of the frame."""

    table: str
    version: int
    keys: tuple[str, ...]
    time: str
    lookup_keys: tuple[str, ...]
    lookup_time: str
    features: tuple[str, ...]
    renamed: dict[str, str]

    def outputs(self) -> list[str]:
        """The names under which the features appear."""
        return [self.renamed.get(name, name) for name in self.features]


@dataclass(frozen=True)
class LocalTrainingSet:
    """A frame and what is to be looked up for it, pinned to table versions."""

    lake: Lake
    df: DataFrame
    lookups: tuple[Lookup, ...]
    label: str | None
    exclude_columns: tuple[str, ...]

    @property
    def pins(self) -> dict[str, int]:
        """The Delta version of every feature table that is read."""
        return {lookup.table: lookup.version for lookup in self.lookups}

    def load_df(self) -> DataFrame:
        """The joined rows: the frame's columns, then features in order of lookup, then the label.

        For each row of the frame the newest feature row at or before its time, whole; nulls where there is none.
        """
        joined = self.df
        for lookup in self.lookups:
            joined = as_of_join(joined, self.lake.table(lookup.table, lookup.version), lookup)
        labels = [self.label] if self.label else []
        wanted = [name for name in joined.columns if name not in (*self.exclude_columns, *labels)]
        return joined.select(*wanted, *labels)


def as_of_join(frame: DataFrame, features: DataFrame, lookup: Lookup) -> DataFrame:
    """Each row of the frame with the newest feature row at or before its time; every row of the frame stays.

    Args:
        frame: holds the lookup's `lookup_keys` and `lookup_time`.
        features: the feature table, unique by `keys` and `time`.
        lookup: which columns meet which.
    """
    until = F.lead(lookup.time).over(Window.partitionBy(*lookup.keys).orderBy(lookup.time))
    named = [F.col(name).alias(output) for name, output in zip(lookup.features, lookup.outputs(), strict=True)]
    right = features.select(
        *[F.col(key).alias(f"_key_{i}") for i, key in enumerate(lookup.keys)],
        F.col(lookup.time).alias("_from"), until.alias("_until"), *named,
    )  # fmt: skip
    same = [F.col(key) == F.col(f"_key_{i}") for i, key in enumerate(lookup.lookup_keys)]
    moment = F.col(lookup.lookup_time)
    current = (moment >= F.col("_from")) & (F.col("_until").isNull() | (moment < F.col("_until")))
    joined = frame.join(right, [*same, current], "left")
    return joined.drop("_from", "_until", *[f"_key_{i}" for i in range(len(lookup.keys))])


def _check_columns(df: DataFrame, lookups: list[Lookup], label: str | None, excluded: Sequence[str]) -> None:
    if label is not None and label not in df.columns:
        raise RadarError(f"The label {label} is not a column of the frame; it has {', '.join(df.columns)}.")
    if label is not None and label in excluded:
        raise RadarError(f"The label {label} is excluded; leave it out of exclude_columns.")
    taken = set(df.columns)
    for lookup in lookups:
        lacking = [name for name in (*lookup.lookup_keys, lookup.lookup_time) if name not in df.columns]
        if lacking:
            raise RadarError(f"The frame has no column {', '.join(lacking)} to look {lookup.table} up by.")
        twice = [name for name in lookup.outputs() if name in taken]
        if twice:
            raise RadarError(f"{', '.join(twice)} of {lookup.table} would appear twice; rename with rename_outputs.")
        taken |= set(lookup.outputs())


def _two_level(name: str) -> str:
    return ".".join(name.split(".")[-2:])
