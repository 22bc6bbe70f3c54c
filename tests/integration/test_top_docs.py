"""The screens of docs/top.md are what ``kiq top`` shows: the snapshots of it, in text."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.helpers import topped
from tests.helpers.living import hold, show_process

pytestmark = pytest.mark.needs("textual")

DOCUMENT = Path(__file__).parents[2] / "docs" / "top.md"
WIDTH, HEIGHT = 80, 24


def screens() -> list[list[str]]:
    """The screens of the document, in its order."""
    blocks = re.findall(r"```text\n(kiq top .*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return [block.rstrip("\n").split("\n") for block in blocks]


def job(at: int, name: str, **fields: Any) -> str:
    known = {"class": f"app.jobs.{name}", "args": [at], "jid": f"5d1c7a52e6ad1ab1f5a1a0{at:02x}"}
    return json.dumps({**known, "queue": "mailers", **fields})


@pytest.fixture
def shop(raw: redis.Redis) -> None:
    """What the document shows."""
    now = time.time()
    raw.sadd("queues", "critical", "mailers", "reports")
    raw.lpush("queue:mailers", *(job(at, "Mail", enqueued_at=now - 3000) for at in range(42)))
    raw.lpush("queue:reports", *(job(at, "Report", enqueued_at=now - 90_000) for at in range(7)))
    raw.sadd("paused", "reports")
    raw.mset({"stat:processed": 81_234, "stat:failed": 127})
    error = {"error_class": "SMTPServerDisconnected", "error_message": "Connection lost"}
    other = {"error_class": "ZeroDivisionError", "error_message": "division by zero"}
    failed = {"failed_at": now - 7000, "retried_at": now - 3000, "retry_count": 2}
    raw.zadd("retry", {job(at, "Mail", **error, **failed): now + 9000 for at in range(12)})
    raw.zadd("dead", {job(at, "Report", **other, **failed): now - 3000 for at in range(3)})
    info = {"queues": ["critical", "mailers"], "concurrency": 10, "started_at": now - 90_000}
    raw.zadd("schedule", {job(60, "Digest"): now + 9000})
    show_process(raw, "web-1:4711:8d0c54f1a2b3", info, rss=95_000, rtt_us=310)
    raw.expire("web-1:4711:8d0c54f1a2b3", 86_400)  # it is never silent, however slow the machine is
    hold(raw, "web-1:4711:8d0c54f1a2b3", "mailers", job(70, "Mail", args=["ann@example.org"]))


def same(line: str) -> str:
    """Return a line without what time and place change: numbers, the clock, the address, blanks."""
    line = re.sub(r"(redis|unix)://\S+|\d+:\d\d:\d\d", "", line)
    return " ".join(re.sub(r"\d[\d.,]*", "0", line).split())


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("at", "keys"), [(0, ["2"]), (1, ["4"]), (2, ["4", "R"])])
def test_a_screen_of_the_document_is_what_is_seen(redis_url: str, at: int, keys: list[str]) -> None:
    assert len(screens()) == 3
    wanted = screens()[at]
    assert len(wanted) <= HEIGHT
    assert max(map(len, wanted)) <= WIDTH

    def seen_as_told(screen: str) -> bool:
        found, told = (list(filter(None, map(same, each))) for each in (screen.split("\n"), wanted))
        return found == told

    async def script(seen: Any) -> None:
        for key in keys:
            await seen.press(key)
            await seen.until(lambda: seen.top.picture.ask.place == seen.top.path.here)
        await seen.until(lambda: seen_as_told(seen.screen), "\n".join(wanted))

    topped.watch(redis_url, script)
