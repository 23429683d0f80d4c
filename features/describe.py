"""The describe entry point and docs/features.md: what feature tables hold, how fresh they are, who uses them."""

from __future__ import annotations

import argparse
from collections import defaultdict

from pyspark.sql import functions as F

from features.feature_view import FeatureView, views
from features.store import SpecError, logged_spec
from features.store.tables import FeatureTable, describe
from lakehouse.cli import Run, command, utc
from lakehouse.lake import Lake
from lakehouse.registry import CHAMPION, MODELS, every_version, holder, model_name
from lakehouse.words import count

HEAD = """# Features

Made from the feature views by `python -m features.describe --page`; a test keeps this page equal to them. How fresh the
tables of a lake are, and which registered models use which features by the lookups they were logged with, is told by
`mlflow run . --env-manager local -e describe -P lake=…` (one table with `-P table=features.student_activity`).
"""


def run(run: Run) -> None:
    """Print what the lake's feature tables hold: one, or all.

    Raises:
        RadarError: when there is no such table, or it is no feature table.
    """
    lake = run.lake
    used = usage(lake)
    asked = run.lake.short(run.options.table) if run.options.table else ""
    names = [asked] if asked else [table for table in lake.tables() if table.startswith("features.")]
    for name in names:
        try:
            print(_told(lake, describe(lake, name), used.get(name, {})))
        except SpecError:
            if asked:
                raise


def usage(lake: Lake) -> dict[str, dict[str, list[str]]]:
    """By table and feature, the registered model versions that look it up; a champion has a star."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    if lake.settings.local and not (lake.settings.lake / "mlflow.db").exists():
        return found
    champions = {model_name(lake.settings, model): holder(lake, model, CHAMPION) for model in MODELS}
    for version in every_version(lake):
        mark = f"{version.model} {version.version}{'*' if version.version == champions.get(version.name) else ''}"
        for table, feature in _looked_up(version.uri):
            found[table][feature].append(mark)
    return found


def page() -> str:
    """docs/features.md."""
    return HEAD + "".join(_section(view) for view in views())


def _looked_up(uri: str) -> list[tuple[str, str]]:
    """Tables and features that a model was logged with; nothing for one logged without, or there no more."""
    from mlflow.exceptions import MlflowException

    try:
        spec = logged_spec(uri)
    except (SpecError, MlflowException, OSError):
        return []
    return [(lookup.table, feature) for lookup in spec.lookups for feature in lookup.outputs]


def _section(view: FeatureView) -> str:
    columns = {column.name: column for column in view.contract.columns}
    lines = [f"\n## {view.name}\n", f"{view.contract.comment}\n"]
    lines.append(
        f"One row a {view.entity} and day, keyed ({', '.join(view.contract.key)}), the time being "
        f"{view.contract.timeseries}. Made from {', '.join(view.sources)}. Owner: {view.owner}.\n"
    )
    lines += ["| feature | type | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {columns[name].type} | {columns[name].comment} |" for name in view.features]
    return "\n".join(lines) + "\n"


def _told(lake: Lake, table: FeatureTable, used: dict[str, list[str]]) -> str:
    view = next((view for view in views() if view.name == table.name), None)
    of = f"; made from {', '.join(view.sources)}, owner {view.owner}" if view else ""
    keys = ", ".join(table.entity_keys) + (f", time {table.timestamp_keys[0]}" if table.timestamp_keys else "")
    lines = [f"{table.name}: {table.description}", f"  keys {keys}{of}", f"  {_freshness(lake, table)}"]
    rows = lake.table(table.name)
    share = rows.agg(*[F.avg(F.col(f"`{name}`").isNull().cast("double")).alias(name) for name in table.values])
    missing = share.collect()[0].asDict()
    width = max((len(name) for name in table.values), default=0)
    for name in table.values:
        field = table.schema[name]
        comment = (field.metadata or {}).get("comment", "")
        kind, gaps = field.dataType.simpleString(), missing[name] or 0
        lines.append(f"  {name:<{width}}  {kind:<7} {gaps:>5.0%} missing  {comment}")
        lines += [f"  {'':<{width}}  used by {', '.join(used[name])}"] if name in used else []
    return "\n".join(lines) + "\n"


def _freshness(lake: Lake, table: FeatureTable) -> str:
    written = lake.history(table.name, 1).select("timestamp").collect()[0][0]
    rows = lake.table(table.name)
    spans = [F.min(time) for time in table.timestamp_keys] + [F.max(time) for time in table.timestamp_keys]
    held, *ends = rows.agg(F.count("*"), *spans).collect()[0]
    told = count(held, "row") + (f" from {ends[0]} to {ends[1]}" if ends else "")
    return f"{told}; version {lake.version(table.name)}, written {utc(written)}"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="one feature table (default: all)")


def main() -> None:
    """`python -m features.describe`: a lake's tables, or with `--page` the page of the docs."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--page", action="store_true")
    if parser.parse_known_args()[0].page:
        print(page(), end="")
        return
    command("What the feature tables hold.", run, _options)


if __name__ == "__main__":
    main()
