"""The examples of docs/async.md run as they stand there."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis
import yaml

import kiq
from kiq import config_file
from kiq.plugins.declared import AsyncSettings
from tests.helpers.stored import in_queue, scheduled

PAGE = Path(__file__).parents[2].joinpath("docs", "async.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_runs_and_does_what_it_says(
    raw: redis.Redis,
    kiq_client: kiq.Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = ModuleType("app_of_the_async_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in BLOCKS:
        exec(compile(block, "docs/async.md", "exec"), vars(module))  # noqa: S102
    pushed = [job["args"] for job in in_queue(raw, "default")]
    assert pushed[:4] == [["Bob", 5], ["Ann"], ["Bob", 2], [1]]
    assert sorted(int(name) for (name,) in pushed[4:]) == list(range(100))
    assert [job["args"] for job in in_queue(raw, "low")] == [["Bob"]]
    assert len(scheduled(raw)) == 1
    made: Any = module
    assert made.through_session.perform_inline("x") is True
    assert "app_of_the_async_page.greet took 0." in capsys.readouterr().out

    async def main() -> None:
        assert await made.greet.aio.perform_inline("Eve") == "hello Eve"

    asyncio.run(main())


def test_the_settings_of_the_page_are_those_that_exist(tmp_path: Path) -> None:
    for text in YAML:
        path = tmp_path / "kiq.yml"
        path.write_text(text)
        config = config_file.load(str(path))
        assert (
            config.of(AsyncSettings).async_concurrency == yaml.safe_load(text)["async_concurrency"]
        )
    table = dict(re.findall(r"^\| `(async_\w+)` \| `?([\w.]+)`? \|", PAGE, re.MULTILINE))
    assert {name: str(value) for name, value in asdict(AsyncSettings()).items()} == table
    assert len(table) == 3
