"""The examples of docs/results.md run, and do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq import api
from kiq.config import Capsule
from tests.helpers.driven import DrivenWorker

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")


def test_results_do_what_the_page_says(
    kiq_client: kiq.Client,
    raw: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    who_waits_goes: None,
) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    *blocks, tests = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        exec(compile(block, "docs/results.md", "exec"), vars(module))  # noqa: S102
    jids = [module.jid, module.short]
    imported = module.Import.perform_async(5)
    capsule = Capsule(queues=(("images", 1), ("low", 1)), concurrency=2)
    with DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host):
        assert module.page(module.jid) == "128 x 96"
        module.both(jids)
        assert kiq.result(imported).get(timeout=20) == 5
    assert module.bar(imported) == "100 % copying, 0 s left"
    assert kiq.result(module.none).status == "unknown"
    exec(compile(tests, "docs/results.md", "exec"), vars(module))  # noqa: S102


def test_the_page_names_all_states() -> None:
    _, states, _ = PAGE.split("\n## ", 2)
    named = set(re.findall(r"^\| `(\w+)` \|", states, re.MULTILINE))
    said = set(re.findall(r'"(\w+)"', " ".join(api.Status.__doc__.split())))  # type: ignore[union-attr]
    assert named == said
