"""A folder of Parquet files that grow row group by row group and appear together, or not at all."""

from collections import Counter
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq


class TableFolder:
    """Writes `<table>.parquet` files; `rows` counts the rows written so far by table.

    A context manager: files get their names when the block ends well; after an error nothing of them remains.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Counter[str] = Counter()
        self._writers: dict[str, pq.ParquetWriter] = {}

    def append(self, tables: dict[str, pa.Table]) -> None:
        """Append rows to each named table; OSError if the disk will not take them."""
        for name, table in tables.items():
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(self._unfinished(name), table.schema, compression="zstd")
            self._writers[name].write_table(table)
            self.rows[name] += len(table)

    def size(self, name: str) -> int:
        """Bytes of a finished table."""
        return self._finished(name).stat().st_size

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        complete = False
        try:
            for writer in self._writers.values():
                writer.close()
            complete = failure is None
        finally:
            for name in self._writers:
                self._settle(name, complete)

    def _settle(self, name: str, complete: bool) -> None:
        if complete:
            self._unfinished(name).replace(self._finished(name))
        else:
            self._unfinished(name).unlink(missing_ok=True)

    def _finished(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _unfinished(self, name: str) -> Path:
        return self.folder / f".{name}.parquet.unfinished"
