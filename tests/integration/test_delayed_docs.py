"""The examples of docs/delayed-job.md run, and do what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq import keys
from kiq.contrib import delayed
from kiq.contrib.delayed.settings import Worker

PAGE = (Path(__file__).parents[2] / "docs" / "delayed-job.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    delayed.worker.reset()


def test_the_page_runs(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("app_of_delayed_job")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module)["__name__"] = module.__name__
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/delayed-job.md", "exec"), vars(module))  # noqa: S102
    assert [raw.llen(keys.queue(name)) for name in keys.bands("default")] == [1, 2, 0]
    assert [raw.llen(keys.queue(name)) for name in keys.bands("users")] == [0, 0, 1]
    assert raw.zcard("schedule") == 1


def test_the_page_names_every_function_and_setting() -> None:
    names = [name for name in delayed.__all__ if name not in ("DelayedJobs", "NotDelayable")]
    missing = [
        name for name in (*names, *Worker.__annotations__) if not re.search(rf"\b{name}\b", PAGE)
    ]
    assert not missing
