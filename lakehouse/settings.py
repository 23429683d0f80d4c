"""Where everything lies. Nothing else in the project reads the environment for a location."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import RadarError

LOCAL_CATALOG = "spark_catalog"


def on_databricks() -> bool:
    """True inside a Databricks cluster or serverless environment."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


@dataclass(frozen=True)
class Settings:
    """One lake: its folder, its landing zone and its catalog.

    On Databricks `lake` is a Unity Catalog volume path used for files that are not tables (the dashboard).
    """

    lake: Path
    landing: Path
    catalog: str = LOCAL_CATALOG

    @property
    def local(self) -> bool:
        """True when the lake is a folder on this machine rather than a Unity Catalog."""
        return self.catalog == LOCAL_CATALOG

    @property
    def warehouse(self) -> Path:
        """The folder that holds `<schema>.db/<table>`."""
        return self.lake / "warehouse"

    def table_folder(self, table: str) -> Path:
        """The folder of the local table `<schema>.<table>`."""
        schema, short = table.split(".")
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


def settings(lake: str | None = None, landing: str | None = None, catalog: str | None = None) -> Settings:
    """Settings from arguments (MLproject parameters), else the environment, else the defaults.

    Environment: `LEARNER_RADAR_LAKE` (default `lake`), `LEARNER_RADAR_LANDING` (default `<lake>/landing`),
    `LEARNER_RADAR_CATALOG` (default `spark_catalog` locally; required on Databricks).

    Raises:
        RadarError: on Databricks without a catalog.
    """
    lake_path = Path(lake or os.environ.get("LEARNER_RADAR_LAKE") or "lake").expanduser().absolute()
    landing_text = landing or os.environ.get("LEARNER_RADAR_LANDING")
    landing_path = Path(landing_text).expanduser().absolute() if landing_text else lake_path / "landing"
    chosen = catalog or os.environ.get("LEARNER_RADAR_CATALOG")
    if not chosen and on_databricks():
        raise RadarError("On Databricks, name the Unity Catalog to use: set LEARNER_RADAR_CATALOG.")
    return Settings(lake_path, landing_path, chosen or LOCAL_CATALOG)


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
