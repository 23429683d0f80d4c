"""Where everything lies. Nothing else in the project reads the environment for a location of the lake."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import RadarError

LOCAL_CATALOG = "spark_catalog"
VOLUMES = "/Volumes"


def on_databricks() -> bool:
    """True inside a Databricks cluster or serverless environment."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


@dataclass(frozen=True)
class Settings:
    """One lake: its folder, its landing zone, its catalog, and what its schemas' names begin with.

    On Databricks `lake` is the path of a Unity Catalog volume, for what is no table: staged batches, how far streams
    came, the dashboard.
    """

    lake: Path
    landing: Path
    catalog: str = LOCAL_CATALOG
    schema_prefix: str = ""

    @property
    def local(self) -> bool:
        """True when the lake is a folder on this machine rather than a Unity Catalog."""
        return self.catalog == LOCAL_CATALOG

    @property
    def warehouse(self) -> Path:
        """The folder that holds `<schema>.db/<table>`."""
        return self.lake / "warehouse"

    def schema(self, short: str) -> str:
        """The two-level name of a schema such as `gold`."""
        return f"{self.catalog}.{self.schema_prefix}{short}"

    def table(self, name: str) -> str:
        """The three-level name of `<schema>.<table>`."""
        schema, short = in_two(name)
        return f"{self.schema(schema)}.{short}"

    def table_folder(self, table: str) -> Path:
        """The folder of the local table `<schema>.<table>`."""
        schema, short = in_two(table)
        return self.warehouse / f"{schema}.db" / short

    @property
    def staging(self) -> Path:
        """Batches on their way into tables."""
        return self.lake / "staging"

    @property
    def checkpoints(self) -> Path:
        """How far each stream came."""
        return self.lake / "checkpoints"

    @property
    def dashboard(self) -> Path:
        """The offline dashboard file."""
        return self.lake / "dashboard" / "index.html"

    @property
    def tracking_uri(self) -> str:
        """MLflow tracking store."""
        return f"sqlite:///{self.lake / 'mlflow.db'}" if self.local else "databricks"

    @property
    def registry_uri(self) -> str:
        """MLflow model registry."""
        return self.tracking_uri if self.local else "databricks-uc"


def in_two(table: str) -> tuple[str, str]:
    """Schema and table of a two-level name.

    Raises:
        RadarError: when it is none.
    """
    if table.count(".") != 1:
        raise RadarError(f"table is {table!r}; name it as <schema>.<table>, such as silver.messages.")
    schema, short = table.split(".")
    return schema, short


def settings(
    lake: str | None = None, landing: str | None = None, catalog: str | None = None, schema_prefix: str | None = None,
    default: str = "lake",
) -> Settings:  # fmt: skip
    """Settings from arguments, else the environment, else the defaults.

    Environment: `LEARNER_RADAR_LAKE`, `LEARNER_RADAR_LANDING`, `LEARNER_RADAR_CATALOG` (`spark_catalog` on a laptop;
    required on Databricks), `LEARNER_RADAR_SCHEMA_PREFIX`. The lake is the folder `default`, raw files arrive in its
    `landing`; in a Unity Catalog they are the volumes `files` of the schema `ops` and `landing` of `bronze`.

    Raises:
        RadarError: on Databricks without a catalog.
    """
    chosen = catalog or os.environ.get("LEARNER_RADAR_CATALOG") or LOCAL_CATALOG
    prefix = schema_prefix or os.environ.get("LEARNER_RADAR_SCHEMA_PREFIX") or ""
    if chosen == LOCAL_CATALOG and on_databricks():
        raise RadarError("On Databricks, name the Unity Catalog to use: --catalog, or set LEARNER_RADAR_CATALOG.")
    home, arrivals = default, None
    if chosen != LOCAL_CATALOG:
        home, arrivals = f"{VOLUMES}/{chosen}/{prefix}ops/files", f"{VOLUMES}/{chosen}/{prefix}bronze/landing"
    lake_path = _path(lake or os.environ.get("LEARNER_RADAR_LAKE") or home)
    landing_path = _path(landing or os.environ.get("LEARNER_RADAR_LANDING") or arrivals or f"{lake_path}/landing")
    return Settings(lake_path, landing_path, chosen, prefix)


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def check_writable(folder: Path) -> None:
    """Make sure that `folder`, or the nearest existing folder above it, can be written to; leaves nothing behind.

    Raises:
        RadarError: naming the folder, when it cannot be written to.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise RadarError(
            f"The lake folder {folder} cannot be written to ({error.strerror}). "
            "Choose another with -P lake=<folder>, or change its permissions."
        ) from None
