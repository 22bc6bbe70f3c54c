"""docs/periodic.md: its code runs as it stands there, its file loads, its commands are there."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import config_file
from kiq.plugins.declared import PeriodicSettings
from kiq.plugins.declared import periodic as declared
from tests.helpers.commands import command
from tests.helpers.ticking import Ticking

PAGE = (Path(__file__).parents[2] / "docs" / "periodic.md").read_text("utf-8")
pytestmark = pytest.mark.needs("cronsim")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_of_the_page_runs(
    raw: redis.Redis, kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "in_code", {})
    room: dict[str, Any] = {"__name__": "docs_periodic"}
    for block in blocks("python"):
        exec(compile(textwrap.dedent(block), "docs/periodic.md", "exec"), room)  # noqa: S102
    assert len(room["ran"]) == 5


def test_the_file_and_the_commands_of_the_page(
    redis_url: str, command_store: redis.Redis, tmp_path: Path
) -> None:
    (text,) = blocks("yaml")
    file = tmp_path / "kiq.yml"
    file.write_text(text)
    entries = config_file.settings(config_file.started(str(file), {})).of(PeriodicSettings).periodic
    assert list(entries or ()) == ["nightly-report", "heartbeat"]
    written = {"cron": "30 2 * * 1-5", "class": "elsewhere.Report", "queue": "default"}
    one = Ticking(redis_url, tmp_path, {"nightly-report": written})
    try:
        for line in re.findall(r"^\$ kiq (.*)$", "".join(blocks("console")), re.MULTILINE):
            done = command(*shlex.split(line, comments=True))
            assert done.code == 0, (line, done.both)
    finally:
        one.close()
