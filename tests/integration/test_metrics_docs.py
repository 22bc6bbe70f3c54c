"""The examples of docs/metrics.md and docs/profiling.md run as they stand there."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.config import Redis as RedisSettings
from kiq.plugins.metrics.batches import Batches
from kiq.plugins.metrics.tally import Tally
from kiq.plugins.profiling.keeping import Profiled, keep
from kiq.plugins.profiling.recording import Recording
from kiq.registry import Registry
from kiq.store.connection import Connector

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def execute(page: str, block: str, room: dict[str, Any]) -> None:
    exec(compile(block, f"docs/{page}", "exec"), room)  # noqa: S102


def test_the_page_on_metrics(
    raw: redis.Redis, kiq_client: kiq.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    for name in ("app.jobs.HardWorker", "app.Mailer"):
        tally.note({"class": name, "enqueued_at": 1}, 1.0, 3.0, failed=False)
    for command in Batches("a process").commands(tally.take()):
        raw.execute_command(*command)
    room: dict[str, Any] = {}
    found = blocks("metrics.md")
    assert len(found) == 3
    for block in found:
        execute("metrics.md", block, room)
    assert list(room["period"].jobs) == ["app.Mailer", "app.jobs.HardWorker"]
    assert list(room["mailers"].jobs) == ["app.Mailer"]
    assert room["job"].processed == 1
    said = capsys.readouterr().out
    assert "below 2500 ms: 1" in said
    assert "v2.7, faster imports" in said


@pytest.mark.needs("pyinstrument")
def test_the_page_on_profiling(
    raw: redis.Redis,
    kiq_client: kiq.Client,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_registry: Registry,
) -> None:
    monkeypatch.chdir(tmp_path)
    fresh_registry._specs.clear()  # a HardWorker of another test, which page and test both may have
    room: dict[str, Any] = {"__name__": "jobs_of_the_page"}
    push, look = blocks("profiling.md")
    execute("profiling.md", push, room)
    jid = room["jid"]
    job = raw.rpop("queue:default")
    assert b"slow-import" in job  # type: ignore[operator]
    recording = Recording()
    threading.Event().wait(0.01)
    recording.stop()
    link = Connector(RedisSettings(url=redis_url)).open()
    assert keep(link, Profiled("slow-import", jid, "HardWorker", recording)) == ""
    execute("profiling.md", look, room)
    assert (tmp_path / f"slow-import-{jid}.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert not raw.exists(f"slow-import-{jid}")
