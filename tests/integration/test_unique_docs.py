"""The examples of docs/unique.md and docs/expiry.md run, and do what the pages say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq.plugins.declared.unique import Lock, OnConflict
from tests.helpers.locked import jids_in
from tests.helpers.uniques import holders

DOCS = Path(__file__).parents[2] / "docs"


def run(page: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL):
        exec(compile(block, f"docs/{page}", "exec"), vars(module))  # noqa: S102
    return module


def test_unique_jobs_do_what_the_page_says(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = run("unique.md", monkeypatch)
    assert len(jids_in(raw, "queue:low")) == 2
    assert holders(raw) == [module.first]


def test_the_page_names_all_locks_and_policies() -> None:
    text = (DOCS / "unique.md").read_text("utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    said = {*Lock.__args__, *OnConflict.__args__, "lock", "by", "ttl", "on_conflict"}
    assert said == named


def test_jobs_that_expire_do_what_the_page_says(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("expiry.md", monkeypatch)
    assert len(jids_in(raw, "queue:mailers", "schedule")) == 3
