"""An import that can be stopped at any moment: try Ctrl-C on the worker while it runs."""

from __future__ import annotations

import time
from typing import Any

import kiq
from kiq import iteration


class ImportUsers(kiq.IterableJob):
    """Reads a CSV file, a few rows at a time, and takes its time."""

    def build(
        self, path: str, pause: float = 0.5, *, cursor: Any
    ) -> iteration.Enumerator[list[Any]]:
        return iteration.csv_batches(path, size=2, cursor=cursor)

    def each(self, batch: list[Any], path: str, pause: float = 0.5) -> None:
        names = ", ".join(row["name"] for row in batch)
        print(f"{self.state.percentage:.0f} %: {names}", flush=True)
        time.sleep(pause)

    def on_resume(self) -> None:
        print("where were we?", flush=True)

    def on_complete(self) -> None:
        print(f"{self.state.items} batches are done", flush=True)
