"""The examples of docs/time-limits.md and docs/cancelling.md run, and do what the pages say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from kiq import worker_state
from kiq.config import Config
from kiq.config_file import load
from kiq.errors import ConfigError
from kiq.plugins.declared import TimeLimitSettings
from kiq.plugins.interrupting.crew import crew_of
from kiq.plugins.time_limits import TimeLimits
from kiq.registry import registry
from kiq.work.attached import Attached
from kiq.work.worker import Worker
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.untraced import untraced

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str = "python") -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(page: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks(page):
        exec(compile(block, f"docs/{page}", "exec"), vars(module))  # noqa: S102
    return module


def test_the_examples_of_time_limits_run(
    raw: redis.Redis, kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = run("time-limits.md", monkeypatch)
    assert [job["time_limit"] for job in in_queue(raw)] == [7200.0]
    module.thumbnail.perform_async("x.png")
    assert in_queue(raw)[1]["time_limit"] == 30
    kiq.host.install(TimeLimits())
    worker = Worker(Config(), kiq.host, registry, kiq_client.connector, "0")
    crew = crew_of(Attached(worker, [], print))
    worker_state.begin(worker.state)
    with untraced():
        crew.watchdog.start()
        with pytest.raises(kiq.TimeLimitExceeded):
            module.Import.perform_inline("big")
        crew.watchdog.stop()
    worker_state.end(worker.state)


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    (block,) = blocks("time-limits.md", "yaml")
    file = tmp_path / "kiq.yml"
    file.write_text(block)
    config = load(str(file), flags={})
    assert config.of(TimeLimitSettings) == TimeLimitSettings(30.0, 0)
    assert TimeLimitSettings() == TimeLimitSettings(30.0, 0)
    file.write_text("time_limit_grace: 0\nmax_stuck: -1\n")
    with pytest.raises(ConfigError, match="time_limit_grace"):
        load(str(file), flags={})


def test_the_examples_of_cancelling_run(
    raw: redis.Redis,
    kiq_client: kiq.Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = run("cancelling.md", monkeypatch)
    assert capsys.readouterr().out == "scheduled\n"
    assert scheduled(raw) == []
    assert callable(module.cancel_there)
    module.Export.perform_inline(10)
