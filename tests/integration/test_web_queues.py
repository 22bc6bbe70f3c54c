"""Queues on a real server: who paused one and why, that it is paused in truth, and what is in it."""

from __future__ import annotations

import json
import re
import time

import pytest
import redis

import kiq.web
from kiq.api import Queue
from kiq.plugins.trends import keys as of_trends
from kiq.web import visitor
from tests.helpers.living import show_process
from tests.helpers.measured import measure
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'>"


def fill(store: redis.Redis, queue: str, *names: str) -> None:
    store.sadd("queues", queue)
    for at, name in enumerate(names):
        job = {"class": name, "args": [], "jid": f"{at:024x}", "queue": queue, "enqueued_at": 1}
        store.lpush(f"queue:{queue}", json.dumps(job))


def note_trend(store: redis.Redis, sizes: list[int], queue: str = "mail", taken: int = 0) -> None:
    """Note a moment every 15 seconds until now, with *taken* more jobs taken at each."""
    for at, size in enumerate(sizes):
        moment = time.time() - 15 * (len(sizes) - 1 - at)
        store.lpush(of_trends.TREND, json.dumps([moment, 0, 0, {queue: [size, taken * at]}]))


def test_who_paused_a_queue_and_why_stands_beside_it(redis_url: str, raw: redis.Redis) -> None:
    fill(raw, "mail", "app.Mail")
    policy = lambda environ: visitor("ann", "operator")  # noqa: E731
    pages = Browser(application(redis_url, policy=policy))
    answer = pages.post("/queue/pause", {"name": "mail", "reason": f" the relay is down {EVIL} "})
    assert answer.status_code == 303
    note = Queue("mail", redis_url).pause_note
    assert note is not None
    assert (note.by, note.reason) == ("ann", f"the relay is down {EVIL}")
    for page in ("/queues", "/queue?name=mail"):
        text = pages.get(page).text
        assert "by ann: the relay is down &lt;script&gt;" in text
        assert "<script>alert" not in text
    assert "This queue is paused" in pages.get("/queue?name=mail").text
    assert "is taken again" in pages.press("/queue?name=mail", "Unpause").text
    assert "by ann" not in pages.get("/queues").text


def test_a_queue_that_is_taken_though_paused_is_told(redis_url: str, raw: redis.Redis) -> None:
    fill(raw, "mail", "app.Mail")
    Queue("mail", redis_url).pause(by="ann")
    note_trend(raw, [5] * 20, taken=3)
    told = "taken all the same"
    assert told not in Browser(application(redis_url)).get("/queues").text  # paused just now
    raw.hset("kiq:paused-by", "mail", json.dumps([time.time() - 300, "ann", ""]))
    text = Browser(application(redis_url)).get("/queues").text
    assert re.search(r"\b(9|12) jobs taken all the same", text)
    Queue("mail", redis_url).unpause()
    assert told not in Browser(application(redis_url)).get("/queues").text


def test_in_and_out_a_minute_and_the_course_stand_beside_a_queue(
    redis_url: str, raw: redis.Redis
) -> None:
    fill(raw, "mail", "app.Mail")
    note_trend(raw, [400 - 10 * at for at in range(20)], taken=15)
    text = Browser(application(redis_url)).get("/queues").text
    assert '20<small class="muted">/min' in text
    assert '60<small class="muted">/min' in text
    assert 'class="spark blue"' in text
    assert "empty in" in Browser(application(redis_url)).get("/queue?name=mail").text


def test_the_page_of_a_queue_says_what_is_in_it_and_how_long_that_waits(
    redis_url: str, raw: redis.Redis
) -> None:
    fill(raw, "mail", *["app.Mail"] * 3, "app.Bill", EVIL)
    measure(raw, 2, "app.Mail", [0.2], waits=[0.5])
    show_process(raw, "web:1:a", {"hostname": "web", "pid": 1, "queues": ["mail"]})
    text = Browser(application(redis_url)).get("/queue?name=mail").text
    assert "of all its jobs" in text
    assert "wait p50 · p95 · p99" in text
    assert text.index("Mail</a>") < text.index("Bill</a>")
    assert "<script>alert" not in text
    assert "web:1" in text
    assert "No process" not in text


def test_a_queue_that_nobody_takes_says_so(redis_url: str, raw: redis.Redis) -> None:
    fill(raw, "mail", "app.Mail")
    text = Browser(application(redis_url)).get("/queue?name=mail").text
    assert "No process that is awake takes from this queue" in text


def test_a_queue_of_a_thousand_is_sampled(redis_url: str, raw: redis.Redis) -> None:
    fill(raw, "mail", *["app.Mail"] * 600)
    app = application(redis_url)
    assert "of the next 500 jobs" in Browser(app).get("/queue?name=mail").text
    raw.config_resetstat()
    for _ in range(5):
        Browser(app).get("/queue?name=mail")
    # A sample is read once in five seconds for all: what is left is the page of jobs of each request.
    scripts = raw.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    assert scripts <= 5 * 2 + 14


def test_a_reader_sees_why_and_can_not_pause(redis_url: str, raw: redis.Redis) -> None:
    fill(raw, "mail", "app.Mail")
    reader = Browser(application(redis_url, policy=kiq.web.everyone("reader")))
    assert reader.post("/queue/pause", {"name": "mail", "reason": "x"}).status_code == 403
    assert 'name="reason"' not in reader.get("/queue?name=mail").text
