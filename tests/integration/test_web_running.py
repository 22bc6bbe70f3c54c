"""Running on a real server: what takes too long, how far it is, who belongs to whom and does what alone."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import redis

from kiq import keys
from kiq.plugins.results import keys as of_results
from kiq.plugins.results.progress import Progress, Underway
from tests.helpers.living import hold, show_process
from tests.helpers.measured import measure
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

ONE = "web:11:a"


def job(jid: str, name: str) -> str:
    return json.dumps({"class": name, "args": [], "jid": jid, "queue": "default"})


def run(store: redis.Redis, jid: str, name: str, seconds: float) -> None:
    """Let the process ONE run a job, since so many seconds."""
    raw = job(jid, name)
    shown = {"queue": "default", "payload": raw, "run_at": time.time() - seconds}
    store.hset(keys.work(ONE, 7), jid, json.dumps(shown))
    hold(store, ONE, "default", raw)


@pytest.fixture
def family(raw: redis.Redis) -> None:
    """Two children of one parent, and a process by itself."""
    for identity, pid, parent in ((ONE, 11, 10), ("web:12:b", 12, 10), ("web:9:c", 9, 0)):
        info: dict[str, Any] = {"hostname": "web", "pid": pid, "queues": ["default"]}
        show_process(raw, identity, {**info, "concurrency": 5, "parent": parent})


def row(text: str, jid: str) -> str:
    return next(
        each for each in re.findall(r"<tr id=\"run-.*?</tr>", text, re.DOTALL) if jid in each
    )


@pytest.mark.usefixtures("family")
def test_a_job_that_runs_for_longer_than_its_like_is_told(redis_url: str, raw: redis.Redis) -> None:
    for name in ("app.Slow", "app.Fast"):
        measure(raw, 2, name, [0.5] * 30)
    measure(raw, 2, "app.Seldom", [0.5] * 3)
    for jid, name, seconds in (
        ("aaa", "app.Slow", 500.0),
        ("bbb", "app.Fast", 0.0),
        ("ccc", "app.Seldom", 500.0),
        ("ddd", "app.New", 500.0),
    ):
        run(raw, jid, name, seconds)
    text = Browser(application(redis_url)).get("/running").text
    assert "badge amber" in row(text, "aaa")
    assert "p95 738 ms" in row(text, "aaa")
    for jid in ("bbb", "ccc", "ddd"):  # in time, of a class that ran three times, and never
        assert "badge amber" not in row(text, jid)


@pytest.mark.usefixtures("family")
def test_how_far_a_job_is_stands_where_it_tells(redis_url: str, raw: redis.Redis) -> None:
    for jid in ("aaa", "bbb", "ccc", "ddd"):
        run(raw, jid, "app.Long", 60.0)
    told = Progress(61, 200, "<b>rows", time.time(), 1, 0, 61)
    raw.set(of_results.progress("aaa"), Underway("running", 1, told).written())
    raw.hset(keys.iteration("bbb"), mapping={"ex": 1, "c": "5", "rt": 50, "p": 50, "of": 200})
    raw.hset(keys.iteration("ccc"), mapping={"ex": 1, "c": "{no json", "rt": 50, "p": 5})
    text = Browser(application(redis_url)).get("/running").text
    assert "30 %" in row(text, "aaa")
    assert "2 min 19 s left" in row(text, "aaa")
    assert "&lt;b&gt;rows" in row(text, "aaa")
    assert "25 %" in row(text, "bbb")  # a cursor that can't be read hides no other
    for jid in ("ccc", "ddd"):
        assert "<progress" not in row(text, jid)


@pytest.mark.usefixtures("family")
def test_children_stand_under_their_parent_and_duties_by_who_has_them(
    redis_url: str, raw: redis.Redis
) -> None:
    raw.set(keys.POLLER, ONE)
    raw.sadd(keys.DUTIES, "periodic")
    raw.set(keys.duty("periodic"), "web:9:c")
    text = Browser(application(redis_url)).get("/running").text
    assert text.index("parent of 2 processes") > text.index('id="process-web:9:c"')
    assert text.index("parent of 2 processes") < text.index('id="process-web:11:a"')
    own = re.findall(r'<tr id="process-([^"]+)".*?</tr>', text, re.DOTALL)
    assert own == ["web:9:c", "web:11:a", "web:12:b"]
    lone, leader = (
        re.search(f'<tr id="process-{name}".*?</tr>', text, re.DOTALL) for name in (own[0], own[1])
    )
    assert lone is not None
    assert leader is not None
    assert "periodic" in lone[0]
    assert "moves due jobs" in leader[0]
