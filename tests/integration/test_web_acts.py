"""What visitors do by the web UI: done, once, told, and noted."""

from __future__ import annotations

import json

import pytest
import redis

import kiq
import kiq.web
from kiq.api import Queue, undoable
from kiq.web.activity import Activity
from tests.helpers.living import show_process
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

ODD = '<b>odd & "name"</b>\'s'


class Mail(kiq.Job, queue="mailers"):
    def perform(self, to: str) -> None: ...


@pytest.fixture
def pages(redis_url: str) -> Browser:
    return Browser(application(redis_url, lambda _environ: kiq.web.visitor("ann", "admin")))


@pytest.mark.parametrize("name", ["mail", ODD, "100%", "%0A", "a\nb", "\x1b[2J\x00"])
def test_a_queue_is_paused_and_unpaused(pages: Browser, raw: redis.Redis, name: str) -> None:
    raw.sadd("queues", name)
    told = pages.press("/queues", "Pause").text
    assert raw.smembers("paused") == {name.encode()}
    assert "paused" in told.partition('class="told')[2][:200]
    pages.press("/queues", "Unpause")
    assert raw.smembers("paused") == set()


def test_a_queue_is_cleared_after_a_page_that_asks(
    pages: Browser, kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    Mail.perform_bulk([("ann",), ("bob",)])
    asked = pages.get("/queue/clear?name=mailers").text
    assert "2 jobs wait in it" in asked
    assert "kiq clear-queue mailers" in asked
    assert raw.llen("queue:mailers") == 2
    told = pages.press("/queue/clear?name=mailers", "Delete all jobs of mailers").text
    assert "mailers: deleted 2 jobs" in told
    assert raw.llen("queue:mailers") == 0


def test_a_form_is_taken_once(pages: Browser, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail")
    form = {"name": "mail", "once": "0123456789abcdef"}
    first = pages.post("/queue/pause", form)
    raw.srem("paused", "mail")  # somebody else unpauses it
    second = pages.post("/queue/pause", form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert raw.smembers("paused") == set()
    assert "paused mail" in pages.get(second.headers["Location"]).text


def test_a_form_that_comes_twice_leads_to_no_page_that_there_is_not(pages: Browser) -> None:
    form = {"name": "mail", "once": "0123456789abcdef", "back": "//evil"}
    answers = [pages.post("/locks/cleared", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[1].headers["Location"].startswith("/?told=")


@pytest.mark.parametrize(
    ("label", "signal"), [("Quiet", b"TSTP"), ("Stop", b"TERM"), ("Threads", b"TTIN")]
)
def test_a_process_is_told(pages: Browser, raw: redis.Redis, label: str, signal: bytes) -> None:
    show_process(raw, "web:1:abc", {"queues": ["mail"], "concurrency": 3})
    pages.press("/running", label)
    assert raw.lrange("web:1:abc-signals", 0, -1) == [signal]


def test_a_process_that_is_gone_is_said_to_be(pages: Browser) -> None:
    answer = pages.post("/process/signal", {"identity": "web:9:x", "order": "stop"})
    assert answer.status_code == 404
    assert "no process" in answer.text


def entry(number: int) -> str:
    job = {"class": "X", "args": [number], "jid": f"{number:024x}", "queue": "q"}
    return json.dumps({**job, "retry": True, "retry_count": 2, "error_class": "E"})


@pytest.mark.parametrize(
    ("label", "place"), [("Run now", "queue:q"), ("Kill", "dead"), ("Delete", None)]
)
def test_one_entry_is_acted_on_and_not_its_neighbour_of_the_same_score(
    pages: Browser, raw: redis.Redis, label: str, place: str | None
) -> None:
    raw.zadd("retry", {entry(1): 1_900_000_000, entry(2): 1_900_000_000})
    told = pages.press("/retries?q=" + f"{1:024x}", label).text
    assert f"{1:024x}" in told.partition('class="told')[2][:200]
    assert [json.loads(each)["args"] for each in raw.zrange("retry", 0, -1)] == [[2]]
    if place == "dead":
        assert raw.zcard("dead") == 1
    elif place:
        assert raw.llen(place) == 1


def test_an_entry_that_is_gone_is_said_to_be(pages: Browser, raw: redis.Redis) -> None:
    raw.zadd("retry", {entry(1): 5})
    form = {"set": "retry", "place": "5.0~0123456789abcdef"}
    assert pages.post("/entry/delete", form).status_code == 404
    answer = pages.post("/entry/delete", {**form, "set": "retries"})
    assert answer.status_code == 404
    assert "quicker" in answer.text
    assert raw.zcard("retry") == 1


def test_who_did_what_is_noted_before_and_after(
    pages: Browser, raw: redis.Redis, redis_url: str
) -> None:
    raw.sadd("queues", "mail")
    pages.press("/queues", "Pause")
    pages.post("/queue/clear", {"name": "mail"})  # no such act: GET only
    pages.post("/process/signal", {"identity": "web:9:x", "order": "stop"})
    failed, paused = Activity(kiq.api.connection(redis_url)).entries()
    assert (paused.visitor, paused.action, dict(paused.what)) == (
        "ann",
        "queue.pause",
        {"name": "mail"},
    )
    assert paused.outcome == "paused mail"
    assert failed.outcome.startswith("failed: ")
    shown = pages.get("/activity").text
    assert "queue.pause" in shown
    assert "paused mail" in shown


def test_the_log_is_bounded(raw: redis.Redis, redis_url: str) -> None:
    log = Activity(kiq.api.connection(redis_url))
    for number in range(600):
        log.end(log.begin("ann", "x", {"text": "y" * 1000}), str(number))
    assert raw.llen("kiq:web:activity") == 1000
    raw.lpush("kiq:web:activity", b"\xff", "[]", '{"a": 1}')
    assert len(log.entries(2000)) == 499  # of two lines each; the broken ones push out one more
    assert raw.memory_usage("kiq:web:activity") < 600_000


def test_where_nothing_can_be_noted_nothing_is_done(pages: Browser, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail")
    raw.set("kiq:web:activity", "of another type")
    answer = pages.post("/queue/pause", {"name": "mail"})
    assert answer.status_code == 502
    assert raw.smembers("paused") == set()


def test_what_was_done_is_undone_by_a_button(
    pages: Browser, kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    Mail.perform_bulk([("ann",), ("bob",)])
    before = raw.lrange("queue:mailers", 0, -1)
    asked = pages.get("/queue/clear?name=mailers").text
    assert "For ten minutes that can be undone." in asked
    told = pages.press("/queue/clear?name=mailers", "Delete all jobs of mailers").text
    assert "2 jobs, for " in told
    assert raw.llen("queue:mailers") == 0
    assert "2 jobs back" in pages.press("/activity", "Undo").text
    assert raw.lrange("queue:mailers", 0, -1) == before
    assert ">Undo<" not in pages.get("/activity").text


def test_a_program_undoes_and_who_may_only_look_does_not(
    pages: Browser, redis_url: str, kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    Mail.perform_async("ann")
    asked = {"name": "mailers", "once": "mine"}
    assert pages.post("/queue/cleared", asked).status_code == 303
    with undoable("bob", "by hand <b>"):
        Mail.perform_async("bob")
        Queue("mailers").clear()
    page = pages.get("/activity").text
    assert "by hand &lt;b&gt;" in page
    assert page.count(">Undo<") == 2
    (entry,) = json.loads(pages.get("/api/v1/activity").data)["entries"]
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    assert reader.post("/undo", {"act": entry["undo"]}).status_code == 403
    assert ">Undo<" not in reader.get("/activity").text
    assert pages.post("/undo", {"act": entry["undo"]}).status_code == 303
    assert [job.args for job in Queue("mailers")] == [["ann"]]
    again = pages.post("/undo", {"act": entry["undo"]})
    assert "nothing is kept" in pages.get(again.headers["Location"]).text
