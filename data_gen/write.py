"""A folder of files that appear together, or not at all; Parquet tables may grow row group by row group."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

COMPRESSION = "zstd"


class TableFolder:
    """Writes Parquet files, whole or piece by piece; `rows` counts the rows written so far by table,
    `names` are the paths of the files in the folder.

    A context manager: files get their names when the block ends well; after an error nothing of them remains.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Counter[str] = Counter()
        self.names: list[str] = []
        self._writers: dict[str, pq.ParquetWriter] = {}

    def append(self, tables: dict[str, pa.Table]) -> None:
        """Append rows to `<table>.parquet` of each named table; OSError if the disk will not take them."""
        for name, table in tables.items():
            if name not in self._writers:
                path = self._new(f"{name}.parquet")
                self._writers[name] = pq.ParquetWriter(path, table.schema, compression=COMPRESSION)
            self._writers[name].write_table(table)
            self.rows[name] += len(table)

    def put(self, name: str, content: pa.Table | bytes) -> None:
        """Write a whole file at a path relative to the folder, rows as Parquet; OSError if the disk will not."""
        path = self._new(name)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path, compression=COMPRESSION)
            self.rows[_table(name)] += len(content)

    def size(self, table: str) -> int:
        """Bytes of a table's finished files."""
        return sum((self.folder / name).stat().st_size for name in self.names if _table(name) == table)

    def paths(self) -> list[Path]:
        """Where its files lie once it is complete."""
        return [self.folder / name for name in self.names]

    def others(self) -> list[Path]:
        """Parquet files that lie in the folder and are none of these, in the place of the same tables."""
        found = {path for table in map(_table, self.names) for path in files_of(self.folder, table)}
        return sorted(found.difference(self.paths()))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            for writer in self._writers.values():
                writer.close()
            for name in self.names if failure is None else ():
                finished = self.folder / name
                finished.parent.mkdir(parents=True, exist_ok=True)
                (self._unfinished / name).replace(finished)
        finally:
            shutil.rmtree(self._unfinished, ignore_errors=True)

    @property
    def _unfinished(self) -> Path:
        return self.folder / ".unfinished"

    def _new(self, name: str) -> Path:
        """Where to write a file until its folder is complete."""
        path = self._unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.names.append(name)
        return path


def files_of(folder: Path, table: str) -> set[Path]:
    """The Parquet files of a table: the one of its name, and those in the folder of its name, however deep."""
    found = (folder / f"{table}.parquet", *(folder / table).rglob("*.parquet"))
    return {path for path in found if path.is_file()}


def _table(name: str) -> str:
    return name.split("/")[0].removesuffix(".parquet")
