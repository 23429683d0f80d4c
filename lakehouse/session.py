"""The Spark Connect session: the one that is there on Databricks, a remote one, or an embedded local server."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from lakehouse.errors import RadarError
from lakehouse.jars import ARCHIVE, cache_folder, class_archive, delta_jars
from lakehouse.java import check_java, is_java
from lakehouse.settings import on_databricks

ROWS_A_FILE, BYTES_A_FILE = 50_000, 2 * 2**20
# What turns this process into a client of its own server; a child process that inherits it would find no server.
CLIENT_MODE = ("SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED")


@cache
def connect() -> SparkSession:
    """The process's one session.

    `SPARK_REMOTE` names a Connect server to use. Else, on Databricks, the active session; else a server embedded in
    this process, on a free port of the loopback interface, guarded by a random token.

    Raises:
        RadarError: without Java, when Delta's jars cannot be resolved, or the server does not start.
    """
    if "SPARK_REMOTE" in os.environ or on_databricks():
        session = SparkSession.builder.getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        return session
    return _embedded()


def jvm_pid() -> int | None:
    """Process id of the embedded server's JVM, or None when there is none."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    return getattr(getattr(gateway, "proc", None), "pid", None)


def server_ended() -> bool:
    """Whether the embedded server was there and is no more: whatever is asked of it would be asked for minutes."""
    jvm = None if on_databricks() else jvm_pid()
    return jvm is not None and not is_java(jvm)


def _embedded() -> SparkSession:
    check_java()
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    for inherited in CLIENT_MODE:
        os.environ.pop(inherited, None)
    os.environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = secrets.token_hex(16)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    port = _free_port()
    builder = SparkSession.builder.master("local[*]").appName("learner-radar")
    for key, value in _local_config(port).items():
        builder = builder.config(key, value)
    log = cache_folder() / "spark.log"
    try:
        with _output_to(log):
            server = builder.getOrCreate()
    except PySparkRuntimeError as error:
        heap = os.environ.get("LEARNER_RADAR_MEMORY")
        why = f"LEARNER_RADAR_MEMORY is {heap!r}, and " if heap else ""
        raise RadarError(f"Spark's server did not start; {why}what Java said stands in {log}.") from error
    server.sparkContext.setLogLevel("ERROR")  # connect-ok: the server's own side, before any client exists
    os.environ.update(dict.fromkeys(CLIENT_MODE, "1"))
    SparkSession._instantiatedSession = None
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    # By the name localhost: with 127.0.0.1 and a token the client insists on TLS.
    return cast(SparkSession, ConnectSession.builder.remote(f"sc://localhost:{port}").getOrCreate())


def _local_config(port: int) -> dict[str, str]:
    jars = os.pathsep.join(str(jar) for jar in delta_jars())
    archive = class_archive()
    # Spark takes these options apart as a shell does, and a path may have spaces.
    sharing = f'"-XX:SharedArchiveFile={archive}" -Xshare:auto' if archive.exists() else ""
    if ARCHIVE in os.environ:
        sharing = f'"-XX:ArchiveClassesAtExit={os.environ[ARCHIVE]}"'
    # Where rows go to Python, a check of bounds at each value is a good part of what Java does.
    unchecked = "-Darrow.enable_unsafe_memory_access=true -Darrow.enable_null_check_for_get=false"
    # In any other zone Delta makes sure of its checksum at each commit, by reading all that the table's log holds.
    zone = "-Duser.timezone=UTC"
    # Each large array would set off a search of the whole heap for what is alive, one after another.
    heap = "-XX:G1HeapRegionSize=8m -XX:-G1UseAdaptiveIHOP -XX:InitiatingHeapOccupancyPercent=70"
    quiet = f'"-Dlog4j2.configurationFile={Path(__file__).with_name("log4j2.properties").as_uri()}"'
    return {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.driver.extraJavaOptions": f"{quiet} {sharing} {unchecked} {zone} {heap} -Xlog:disable -Xlog:all=off",
        "spark.driver.memory": os.environ.get("LEARNER_RADAR_MEMORY", "3g"),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.sources.default": "delta",
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "learner-radar-unused"),
        "spark.sql.session.timeZone": "UTC",
        # No limit but the number of rows: by bytes, Spark sums up the whole batch anew at each row.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        "spark.sql.codegen.cache.maxEntries": "2000",
        "spark.sql.shuffle.partitions": "4",
        # By default each sort and each hash table begins with 64 MB, filled with zeros, however few its rows.
        "spark.buffer.pageSize": "2m",
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        # Small files, each a stretch of its table: a day's batch then reads and replaces few of them.
        "spark.sql.files.maxRecordsPerFile": str(ROWS_A_FILE),
        "spark.databricks.delta.optimize.maxFileSize": str(BYTES_A_FILE),
        "spark.databricks.delta.optimize.minFileSize": str(BYTES_A_FILE),
        "spark.databricks.delta.snapshotPartitions": "2",
        # What is merged is staged, so that reading it twice gives the same rows: no copy is needed.
        "spark.databricks.delta.merge.materializeSource": "none",
        # Nor need the few rows that change be brought together by part before they are written.
        "spark.databricks.delta.merge.repartitionBeforeWrite.enabled": "false",
        "spark.databricks.delta.vacuum.parallelDelete.enabled": "true",
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Let a child process that is started meanwhile write to a file: the JVM chats at its start, and when it cleans."""
    sys.stdout.flush()
    kept = {1: os.dup(1), 2: os.dup(2)}
    try:
        with log.open("w") as stream:
            for number in kept:
                os.dup2(stream.fileno(), number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
