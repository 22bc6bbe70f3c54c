"""The examples of docs/batches.md run, and do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from tests.helpers.locked import jids_in

PAGE = Path(__file__).parents[2] / "docs" / "batches.md"


def test_batches_do_what_the_page_says(
    kiq_client: kiq.Client,
    raw: redis.Redis,
    fresh_host: kiq.Host,
    fresh_registry: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (first, *_) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(first, "docs/batches.md", "exec"), vars(module))  # noqa: S102
    assert len(jids_in(raw, "queue:low", "schedule")) == 101
    assert module.batch.status().total == 101
