"""The pages of periodic jobs: what runs when, how it went, pausing and running by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

import kiq
import kiq.web
from kiq.api import PeriodicSet, Queue
from kiq.plugins.periodic import keys
from tests.helpers.ticking import Ticking
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x>"
HOURLY = {
    **{"every": "1h", "class": "elsewhere.Job", "queue": "default"},
    "args": [{"password": "geheim"}],
}


@pytest.fixture
def ticking(redis_url: str, command_store: redis.Redis, tmp_path: Path) -> Iterator[Ticking]:
    one = Ticking(redis_url, tmp_path, {"report": HOURLY, "it's {odd}": HOURLY})
    one.offer()
    yield one
    one.close()


@pytest.fixture
def pages(redis_url: str) -> Browser:
    return Browser(application(redis_url, lambda _environ: kiq.web.visitor("ann", "admin")))


def test_nothing_is_there(pages: Browser) -> None:
    assert "Nothing runs by itself" in pages.get("/periodic").text
    assert pages.get("/periodic/one?name=x").status_code == 404


@pytest.mark.usefixtures("ticking")
def test_the_list_says_when_and_leads_to_each(pages: Browser) -> None:
    text = pages.get("/periodic").text
    assert text.count('<tr id="periodic-') == 2
    assert "every 1 h" in text
    assert "never" in text
    one = pages.get("/periodic/one?name=" + quote("it's {odd}"))
    assert one.status_code == 200
    assert "it&#39;s {odd}" in one.text
    assert "kiq periodic run &#39;it&#39;&#34;&#39;&#34;&#39;s {odd}&#39;" in one.text
    assert one.text.count("<time") == 10
    assert "report" not in pages.get("/periodic?q=odd").text
    assert "Nothing matches" in pages.get("/periodic?q=nowhere").text


@pytest.mark.usefixtures("ticking")
def test_it_is_paused_by_whom_and_resumed(pages: Browser) -> None:
    assert "paused report" in pages.press("/periodic/one?name=report", "Pause").text
    report = PeriodicSet().get("report")
    assert report is not None
    assert (report.paused, report.paused_by) == (True, "ann")
    shown = pages.get("/periodic/one?name=report").text
    assert "by ann" in shown
    assert "It is paused: there are none." in shown
    assert "report has ticks again" in pages.press("/periodic/one?name=report", "Resume").text


@pytest.mark.usefixtures("ticking")
def test_it_runs_by_hand_once_a_form(pages: Browser) -> None:
    form = {"name": "report", "once": "0123456789abcdef", "page": "one"}
    answers = [pages.post("/periodic/run", form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    (job,) = list(Queue("default"))
    assert f"report was pushed as {job.jid}" in pages.get(answers[0].headers["Location"]).text
    shown = pages.get("/periodic/one?name=report").text
    assert "by hand" in shown
    assert f"/jobs/{job.jid}" in shown


def test_what_became_of_ticks_is_told(pages: Browser, ticking: Ticking, raw: redis.Redis) -> None:
    now = time.time()
    lines = [f"{now - 60 * n} {now - 60 * n + 1} run jid{n} -" for n in range(3)]
    raw.rpush(keys.history("report"), *lines, f"{now} {now} missed 7", f"{now} {now} new -", "?")
    ends = {"jid0": f"dead {now}", "jid1": f"failed {now}", "jid2": f"done {now}"}
    raw.hset(keys.outcomes("report"), mapping=ends)
    text = pages.get("/periodic/one?name=report").text
    for words in ("✕ dead", "↻ failed", "× 7", "missed", "new", "/jobs/jid2"):
        assert words in text, words
    assert "the last 5 ticks, 2 of them failed" in pages.get("/periodic").text


@pytest.mark.usefixtures("ticking")
def test_secrets_are_hidden(redis_url: str) -> None:
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    text = reader.get("/periodic/one?name=report").text
    assert "geheim" not in text
    assert "<form" not in text
    assert "geheim" in Browser(application(redis_url)).get("/periodic/one?name=report").text


def test_a_broken_entry_hides_no_other_and_is_escaped(pages: Browser, raw: redis.Redis) -> None:
    good = {"cron": "* * * * *", "payload": {"class": EVIL, "args": [EVIL], "queue": EVIL}}
    raw.hset(keys.ENTRIES, EVIL, json.dumps({**good, "description": EVIL, "app": EVIL}))
    raw.hset(keys.ENTRIES, "broken", b"\xff")
    raw.hset(keys.ENTRIES, "zone", json.dumps({**good, "timezone": "No/Where"}))
    raw.hset(keys.ENTRIES, "bare", json.dumps({"every": 60, "payload": {}}))
    raw.hset(keys.ENTRIES, "odd", json.dumps({"every": 60, "payload": {"args": 5, "class": [1]}}))
    raw.hset(keys.PAUSED, EVIL, f"x {EVIL}")
    raw.rpush(keys.history(EVIL), f"nan inf {EVIL} {EVIL}", "1e300 1 run x")
    text = pages.get("/periodic").text
    assert text.count('<tr id="periodic-') == 5
    assert "unreadable" in text
    for name in (EVIL, "broken", "zone", "bare", "odd"):
        shown = pages.get("/periodic/one?name=" + quote(name))
        assert shown.status_code == 200, name
        assert "<script>alert" not in shown.text
        assert "<img src=x" not in shown.text
        assert pages.post("/periodic/run", {"name": name}).status_code in (303, 400, 502)
    assert "<script>alert" not in text


def test_why_one_was_not_pushed_may_hold_braces(
    pages: Browser, raw: redis.Redis, fresh_host: kiq.Host
) -> None:
    def refuse(context: kiq.ClientContext, call_next: object) -> None:
        raise ValueError("there is no {room}")

    fresh_host.around_push(refuse)
    entry = json.dumps({"every": 60, "payload": {"class": "X", "args": [], "queue": "q"}})
    raw.hset(keys.ENTRIES, "one", entry)
    answer = pages.post("/periodic/run", {"name": "one", "page": "one"})
    assert "one was not pushed: there is no {room}" in pages.get(answer.headers["Location"]).text


def test_a_hundred_are_shown_page_by_page(pages: Browser, raw: redis.Redis) -> None:
    entry = json.dumps({"every": 60, "payload": {"class": "X", "args": [], "queue": "q"}})
    raw.hset(keys.ENTRIES, mapping={f"job-{number:03}": entry for number in range(100)})
    first = pages.get("/periodic").text
    assert first.count('<tr id="periodic-') == 50
    behind = pages.get("/periodic?from=job-049").text
    assert behind.count('<tr id="periodic-') == 50
    assert 'id="periodic-job-050"' in behind
    assert "More" not in behind


@pytest.mark.bare_names
def test_the_fleets_own_redis_gets_the_job(
    redis_url: str, kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    entry = json.dumps({"every": 60, "payload": {"class": "X", "args": [1], "queue": "q"}})
    raw.hset(keys.ENTRIES, "one", entry)
    for source in (redis_url, kiq_client, raw):
        app = kiq.web.wsgi(policy=kiq.web.everyone("admin"), redis=source)
        assert Browser(app).post("/periodic/run", {"name": "one"}).status_code == 303
    assert Queue("q").size == 3
