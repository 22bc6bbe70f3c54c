"""The example of docs/celery.md runs, and its tables name what is there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq.contrib import celery
from kiq.contrib.celery import current
from kiq.contrib.celery.settings import TAKEN

PAGE = (Path(__file__).parents[2] / "docs" / "celery.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    apps, shared = list(current.apps), dict(current.shared)
    yield
    current.apps[:] = apps
    current.shared.clear()
    current.shared.update(shared)


def test_the_page_runs(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("shop")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/celery.md", "exec"), vars(module))  # noqa: S102
    assert raw.llen("queue:mail") == 1
    assert raw.llen("queue:default") == 1
    assert raw.zcard("schedule") == 1


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in TAKEN if name not in ("broker_url", "result_backend", "enable_utc")),
        *(
            name
            for name, it in vars(celery.signals).items()
            if isinstance(it, celery.signals.Signal)
        ),
    ],
)
def test_the_page_names_every(name: str) -> None:
    assert f"`{name}`" in PAGE
