"""The bundle against Databricks' own classes, against itself and against the code that it runs."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from databricks.bundles.dashboards import Dashboard
from databricks.bundles.experiments import MlflowExperiment
from databricks.bundles.jobs import Job
from databricks.bundles.registered_models import RegisteredModel
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume

import lakehouse.cli
from lakehouse.lake import SCHEMAS
from lakehouse.registry import experiment_name, model_name
from lakehouse.settings import Settings, settings
from tests.resources.bundle import BUNDLE, FILES, JOBS, RESOURCES, ROOT, TASKS, of_kind, put_in, texts

CLASSES: dict[str, Any] = {
    "jobs": Job, "schemas": Schema, "volumes": Volume, "registered_models": RegisteredModel,
    "experiments": MlflowExperiment, "dashboards": Dashboard,
}  # fmt: skip
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
WHEEL_TASKS = [(name, task["python_wheel_task"]) for name, task in TASKS if "python_wheel_task" in task]
CATALOG, PREFIX = "some_catalog", "some_"


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("LEARNER_RADAR_LAKE", raising=False)
    return settings(catalog=CATALOG, schema_prefix=PREFIX)


@pytest.mark.parametrize(("kind", "key", "told"), RESOURCES, ids=lambda part: part if isinstance(part, str) else "")
def test_databricks_own_class_takes_the_resource(kind: str, key: str, told: dict[str, Any]) -> None:
    assert CLASSES[kind].from_dict(told).as_dict()


def test_the_classes_refuse_what_is_misspelt() -> None:
    with pytest.raises(ValueError, match="max_concurent_runs"):
        Job.from_dict(JOBS["daily"] | {"max_concurent_runs": 1})
    with pytest.raises(TypeError, match="catalog_name"):
        Schema.from_dict({"name": "gold"})


def test_no_two_resources_share_a_key() -> None:
    keys = [key for _, key, _ in RESOURCES]
    assert len(keys) == len(set(keys))


def test_every_file_is_included_and_every_variable_declared_and_set() -> None:
    assert BUNDLE["include"] == ["resources/*.yml"]
    said = " ".join([*texts(BUNDLE), *(path.read_text() for path in FILES)])
    used = set(re.findall(r"\$\{var\.(\w+)}", said))
    assert used == set(BUNDLE["variables"])
    left = {name for name, told in BUNDLE["variables"].items() if not {"default", "lookup"} & set(told)}
    assert left == {"catalog", "alert_email"}
    assert all("catalog" in target["variables"] for target in BUNDLE["targets"].values())


def test_the_targets_are_apart() -> None:
    targets = BUNDLE["targets"]
    assert set(targets) == {"dev", "staging", "prod"}
    places = {(t["variables"]["catalog"], t["variables"].get("schema_prefix", "")) for t in targets.values()}
    assert len(places) == 3
    assert "${workspace.current_user.short_name}" in targets["dev"]["variables"]["schema_prefix"]
    assert all(t["mode"] == "production" and t["run_as"] for name, t in targets.items() if name != "dev")
    assert all(targets[name]["presets"]["trigger_pause_status"] == "PAUSED" for name in ("dev", "staging"))


@pytest.mark.parametrize(("name", "task"), TASKS, ids=[name for name, _ in TASKS])
def test_a_task_waits_for_tasks_that_are_there_and_speaks_of_what_came_before(name: str, task: dict[str, Any]) -> None:
    job = JOBS[name.split(".")[0]]
    before = _before(job, task["task_key"])
    for text in texts(task):
        assert set(re.findall(r"\{\{tasks\.(\w+)\.values\.\w+}}", text)) <= before
        declared = {parameter["name"] for parameter in job["parameters"]}
        assert set(re.findall(r"\{\{job\.parameters\.(\w+)}}", text)) <= declared
        assert set(re.findall(r"\$\{resources\.jobs\.(\w+)\.id}", text)) <= set(JOBS)
    environments = {environment["environment_key"] for environment in job["environments"]}
    assert "environment_key" not in task or task["environment_key"] in environments


def _before(job: dict[str, Any], key: str, after: frozenset[str] = frozenset()) -> set[str]:
    """The tasks that have ended when a task begins; fails where one is missing or waits for itself."""
    by_key = {task["task_key"]: task for task in job["tasks"]}
    assert key not in after, f"{key} waits for itself"
    named = by_key[key].get("depends_on", [])
    for other in named:
        assert other["task_key"] in by_key, f"{key} waits for {other['task_key']}, which is not there"
        assert ("outcome" in other) == ("condition_task" in by_key[other["task_key"]])
    above = [_before(job, other["task_key"], after | {key}) for other in named]
    return {other["task_key"] for other in named}.union(*above)


def test_the_loop_is_in_order_and_training_follows_what_monitoring_says() -> None:
    daily = JOBS["daily"]
    assert _before(daily, "monitor") == {"ingest", "gold", "features", "score"}
    assert _before(JOBS["training"], "promote") == {"train_segments", "train_dropout"}
    assert _before(JOBS["training"], "monitor_again") == {"train_segments", "train_dropout", "promote", "score_again"}
    tasks = {task["task_key"]: task for task in daily["tasks"]}
    condition = {"op": "EQUAL_TO", "left": "{{tasks.monitor.values.retrain}}", "right": "true"}
    assert tasks["retrain"]["condition_task"] == condition
    assert tasks["training"]["depends_on"] == [{"task_key": "retrain", "outcome": "true"}]
    asked = {parameter["name"] for parameter in JOBS["training"]["parameters"]}
    assert set(tasks["training"]["run_job_task"]["job_parameters"]) <= asked


class Parsed(Exception):
    """Stands for the run of a command whose options were understood."""


@pytest.mark.parametrize(("name", "wheel"), WHEEL_TASKS, ids=[name for name, _ in WHEEL_TASKS])
def test_a_wheel_task_calls_an_entry_point_with_options_that_it_takes(
    name: str, wheel: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wheel["package_name"] == "learner_radar"
    run = EntryPoint(wheel["entry_point"], SCRIPTS[wheel["entry_point"]], "console_scripts").load()
    given = {option: put_in(_default(value), CATALOG, PREFIX) for option, value in wheel["named_parameters"].items()}
    seen: list[tuple[str | None, ...]] = []

    def stop(*places: str | None) -> Settings:
        seen.append(places)
        raise Parsed

    monkeypatch.setattr(lakehouse.cli, "settings", stop)
    monkeypatch.setattr(sys, "argv", [wheel["entry_point"], *(f"--{option}={said}" for option, said in given.items())])
    with pytest.raises(Parsed):
        run()
    assert seen == [(None, None, CATALOG, PREFIX)]


def _default(value: str) -> str:
    """A variable's default in its place, where it has one."""
    return re.sub(r"\$\{var\.(\w+)}", lambda m: BUNDLE["variables"][m[1]].get("default") or m[0], value)


def test_one_writer_at_a_time() -> None:
    assert {job["max_concurrent_runs"] for job in JOBS.values()} == {1}
    assert [key for key, job in JOBS.items() if {"schedule", "trigger", "continuous"} & set(job)] == ["daily"]
    started = [task["run_job_task"]["job_id"] for _, task in TASKS if "run_job_task" in task]
    assert started == ["${resources.jobs.training.id}"]


def test_somebody_hears_of_a_failure() -> None:
    assert all(job["email_notifications"]["on_failure"] == ["${var.alert_email}"] for job in JOBS.values())


def test_the_code_finds_what_the_bundle_makes(chosen: Settings) -> None:
    def named(kind: str, form: str) -> set[str]:
        return {put_in(form.format(**told), CATALOG, PREFIX) for told in of_kind(kind).values()}

    assert named("schemas", "{catalog_name}.{name}") == {chosen.schema(schema) for schema in SCHEMAS}
    volumes = named("volumes", "/Volumes/{catalog_name}/{schema_name}/{name}")
    assert volumes == {str(chosen.lake), str(chosen.landing)}
    models = named("registered_models", "{catalog_name}.{schema_name}.{name}")
    assert models == {model_name(chosen, model) for model in ("dropout", "segments")}
    assert named("experiments", "{name}") == {experiment_name(chosen, model) for model in ("dropout", "segments")}


def test_redeployed_code_has_a_version_of_its_own_and_readers_may_open_the_dashboard() -> None:
    targets = BUNDLE["targets"]
    assert all(target["presets"]["artifacts_dynamic_version"] for target in targets.values())
    for name in ("staging", "prod"):
        told = of_kind("dashboards")["learner_radar"] | targets[name]["resources"]["dashboards"]["learner_radar"]
        readers = {p["group_name"]: p["level"] for p in Dashboard.from_dict(told).as_dict()["permissions"]}
        assert readers == {"${var.tutors}": "CAN_READ", "${var.analysts}": "CAN_READ"}


def test_raw_text_is_for_engineers_alone() -> None:
    """Bronze, quarantine and both volumes hold it; gold alone names anybody else, and lets them in without a table."""
    others = {
        (kind, key): grant["privileges"]
        for kind, key, told in RESOURCES
        for grant in told.get("grants", [])
        if grant["principal"] != "${var.engineers}"
    }
    assert others == {("schemas", "gold"): ["USE_SCHEMA"]}


@pytest.mark.parametrize("name", sorted(set(SCRIPTS.values())))
def test_a_console_script_is_there(name: str) -> None:
    module, function = name.split(":")
    assert callable(getattr(import_module(module), function))
