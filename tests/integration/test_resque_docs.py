"""The examples of docs/resque.md run, and do what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq.contrib import resque
from kiq.contrib.resque.settings import static

PAGE = (Path(__file__).parents[2] / "docs" / "resque.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    static.clear()
    resque.failure._told.clear()


def test_the_page_runs(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("app_of_resque")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/resque.md", "exec"), vars(module))  # noqa: S102
    assert resque.size("default") == 2  # Alice, and Bob, who was enqueued before his time
    assert resque.size("imports") == 1
    assert resque.count_all_scheduled_jobs() == 0


def test_the_page_names_every_function() -> None:
    missing = [
        name
        for name in resque.__all__
        if name not in ("NoClassError", "NoQueueError", "Resque", "ResqueJob")
        if not re.search(rf"\b{name}\b", PAGE)
    ]
    assert not missing
