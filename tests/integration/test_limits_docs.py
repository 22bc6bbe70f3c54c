"""The examples of docs/limits.md run, and do what the page says."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from tests.helpers.locked import jids_in

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"


def test_limits_do_what_the_page_says(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(compile(block, "docs/limits.md", "exec"), vars(module))  # noqa: S102
    assert len(jids_in(raw, "queue:default", "queue:payments")) == 3
    with pytest.raises(kiq.RateLimited):  # it was closed
        asyncio.run(module.balance())
