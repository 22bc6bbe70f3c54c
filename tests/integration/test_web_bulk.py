"""Acts on many jobs by the web UI: planned, begun, followed, told; and failures in groups."""

from __future__ import annotations

import html
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

import kiq
import kiq.web
from kiq.api import trash
from kiq.web import keys
from kiq.web.activity import Activity
from tests.helpers.waiting import eventually
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

NOW = time.time()
EVIL = "<script>alert(1)</script>'\"\x1b[2J"


def failed(number: int, **more: Any) -> str:
    fields = {"class": "app.Mail", "args": [number], "jid": f"{number:024x}", "queue": "mailers"}
    fields |= {"error_class": "OSError", "error_message": f"no route to {number}"}
    return json.dumps({**fields, "failed_at": NOW - 60, "retry_count": 0, **more})


@pytest.fixture
def pages(redis_url: str) -> Browser:
    return Browser(application(redis_url, lambda _environ: kiq.web.visitor("ann", "admin")))


@pytest.fixture
def store(raw: redis.Redis) -> redis.Redis:
    for number in range(250):
        raw.zadd("retry", {failed(number): NOW + 600 + number})
    for number in range(250, 260):
        raw.zadd("dead", {failed(number, **{"class": "app.Report"}): NOW - 60})
    return raw


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def pressed(pages: Browser, plan: str, label: str) -> str | None:
    """Press a button of a plan; None where it had no time to look at all jobs, and says so."""
    try:
        return pages.press(plan, label).text
    except StopIteration:
        return None


def begun(pages: Browser, plan: str, label: str) -> str:
    page = eventually(lambda: pressed(pages, plan, label), 20)
    found = re.search(r'name="id" value="([0-9a-f]+)"', page)
    if found is None:  # it was quicker than the page
        return text_of(page)
    place = found[1]
    eventually(lambda: "badge blue" not in pages.get(f"/bulk?id={place}").text, 20)
    return text_of(pages.get(f"/bulk?id={place}").text)


def test_failures_stand_in_groups_and_lead_to_what_they_are(
    pages: Browser, store: redis.Redis
) -> None:
    page = pages.get("/failures").text
    said = text_of(page)
    assert "250" in said
    assert "OSError no route to" in said
    (key, *_) = re.findall(r"group-([0-9a-f]{12})", page)
    assert f"/retries?q=group%3A{key}" in page
    listed = text_of(pages.get(f"/retries?q=group%3A{key}").text)
    assert "app.Mail" in listed
    assert "app.Report" not in listed


def test_no_failures_are_said_to_be_none(pages: Browser, raw: redis.Redis) -> None:
    assert "none is dead" in pages.get("/failures").text


def test_large_sets_are_estimated_first_and_then_counted(pages: Browser, raw: redis.Redis) -> None:
    for number in range(2500):
        raw.zadd("retry", {failed(number): NOW + number})
    assert "Estimated from 2,000 jobs of 2,500" in text_of(pages.get("/failures").text)
    eventually(lambda: "Estimated" not in pages.get("/failures").text, 20)
    assert "2,500 jobs" in text_of(pages.get("/failures").text)


def test_a_group_began_after_a_deploy(pages: Browser, store: redis.Redis, redis_url: str) -> None:
    at = datetime.fromtimestamp(NOW - 60, UTC) - timedelta(minutes=5)
    assert kiq.api.mark("v2.7 <b>", at, redis_url)
    said = pages.get("/failures").text
    assert "began after v2.7 &lt;b&gt;" in said


def test_all_that_match_are_run_again(pages: Browser, store: redis.Redis) -> None:
    plan = "/plan?set=retries&deed=retry&q=class%3AMail"
    asked = ""

    def exact() -> bool:
        nonlocal asked
        asked = text_of(pages.get(plan).text)
        return "Run 250 jobs now?" in asked

    eventually(exact, 20)  # a slow machine looks at so many in one go, and says so
    assert "kiq retries retry --filter 'class:Mail'" in asked
    assert "kiq.api.RetrySet().retry_all(wanted='class:Mail')" in asked
    assert store.zcard("retry") == 250, "looking changes nothing"
    told = begun(pages, plan, "Run 250 jobs now")
    assert "run again 250" in told
    assert store.llen("queue:mailers") == 250
    assert store.zcard("retry") == 0


def test_a_group_is_deleted_wherever_it_is(
    pages: Browser, store: redis.Redis, redis_url: str
) -> None:
    store.zadd("dead", {failed(900): NOW - 9})
    (key, *_) = re.findall(r"group-([0-9a-f]{12})", pages.get("/failures").text)
    plan = f"/plan?set=failures&deed=delete&q=group%3A{key}"
    told = begun(pages, plan, "Delete 251 jobs")
    assert "deleted 251" in told
    assert (store.zcard("retry"), store.zcard("dead")) == (0, 10)
    eventually(lambda: log(redis_url)[0].outcome == "251 deleted", 20)
    assert log(redis_url)[0].visitor == "ann"


def log(redis_url: str) -> list[Any]:
    return Activity(kiq.api.connection(redis_url)).entries()


def test_what_fails_after_the_plan_was_shown_is_left_alone(
    pages: Browser, store: redis.Redis
) -> None:
    page = pages.get("/plan?set=retries&deed=kill&q=").text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    store.zadd("retry", {failed(901, retried_at=time.time() + 5): NOW})
    assert pages.post("/bulk/kill", fields).status_code == 303
    eventually(lambda: store.zcard("dead") == 260, 20)
    assert store.zcard("retry") == 1


def test_many_are_deleted_only_by_who_types_their_number(pages: Browser, raw: redis.Redis) -> None:
    for number in range(1001):
        raw.zadd("dead", {failed(number): NOW})
    page = pages.get("/plan?set=dead&deed=delete&q=").text
    assert "Type 1001 to delete them" in page
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    wrong = pages.post("/bulk/delete", {**fields, "typed": "1000"})
    assert "/plan?" in wrong.headers["Location"]
    assert "nothing was done" in pages.get(wrong.headers["Location"]).text
    assert raw.zcard("dead") == 1001
    fields = dict(
        re.findall(
            r'name="([^"]+)" value="([^"]*)"', pages.get("/plan?set=dead&deed=delete&q=").text
        )
    )
    assert "/bulk?" in pages.post("/bulk/delete", {**fields, "typed": "1001"}).headers["Location"]
    eventually(lambda: raw.zcard("dead") == 0, 20)


def test_it_is_no_faster_than_asked_and_stops_when_told(
    pages: Browser, store: redis.Redis, redis_url: str
) -> None:
    page = pages.get("/plan?set=retries&deed=retry&q=").text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    answer = pages.post("/bulk/retry", {**fields, "rate": "10"})
    (key,) = re.findall(r"id=([0-9a-f]+)", answer.headers["Location"])
    eventually(lambda: store.llen("queue:mailers") > 0)
    assert store.llen("queue:mailers") < 250
    assert "Stop" in pages.get(f"/bulk?id={key}").text
    told = pages.press(f"/bulk?id={key}", "Stop").text
    assert "ends after the batch" in told
    eventually(lambda: store.hget(keys.bulk(key), "state") == b"stopped", 20)
    said = text_of(pages.get(f"/bulk?id={key}").text)
    assert "stopped" in said
    moved, left = store.llen("queue:mailers"), store.zcard("retry")
    assert moved + left == 250
    assert f"run again {moved}" in said
    eventually(lambda: "then it was stopped" in log(redis_url)[-1].outcome, 20)


def test_chosen_jobs_alone(pages: Browser, store: redis.Redis) -> None:
    page = pages.get("/retries").text
    places = [
        html.unescape(each)
        for each in re.findall(r'name="place" value="([^"]+~[^"]+)" id="choose', page)
    ]
    assert len(places) == 25
    query = "&".join(f"place={each}" for each in places[:3])
    asked = pages.get(f"/plan?set=retries&deed=delete&q=&{query}").text
    assert "Delete 3 jobs?" in text_of(asked)
    store.zremrangebyrank("retry", 0, 0)  # the first is gone meanwhile
    page = pages.get(f"/plan?set=retries&deed=delete&q=&{query}").text
    assert "Delete 2 jobs?" in text_of(page)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    answer = pages.post("/bulk/delete", {**fields, "place": places[:3]})  # type: ignore[dict-item]
    told = text_of(pages.get(answer.headers["Location"]).text)
    assert "2 jobs are deleted, 1 gone" in told
    assert store.zcard("retry") == 247


def test_a_server_that_went_is_told_of(pages: Browser, raw: redis.Redis) -> None:
    fields: dict[str, Any] = {
        **{"state": "runs", "deed": "retry", "sets": '["retries"]', "text": EVIL},
        **{"visitor": EVIL, "looked_at": 10, "total": 99, "handled": 9},
        **{"began": NOW - 500, "beat": NOW - 400},
    }
    raw.hset(keys.bulk("abc"), mapping=fields)
    page = pages.get("/bulk?id=abc").text
    assert "The server that did this is gone" in page
    assert "<script>alert" not in page
    raw.hset(keys.bulk("abc"), "sets", "]")
    assert pages.get("/bulk?id=abc").status_code == 404
    assert pages.get("/bulk?id=nobody").status_code == 404


def test_whoever_may_not_does_not(redis_url: str, store: redis.Redis) -> None:
    operator = Browser(application(redis_url, lambda _environ: kiq.web.visitor("sam", "operator")))
    page = operator.get("/plan?set=retries&deed=retry&q=").text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    for act in ("kill", "delete"):
        assert operator.post(f"/bulk/{act}", {**fields, "deed": act}).status_code == 403
        crossed = operator.post("/bulk/retry", {**fields, "deed": act, "once": f"{act}01"})
        assert crossed.status_code == 400, "a form that says another deed than its address"
    reader = Browser(application(redis_url, lambda _environ: kiq.web.visitor("eve", "reader")))
    assert "Run now" not in reader.get("/failures").text
    assert reader.post("/bulk/retry", fields).status_code == 403
    assert store.zcard("retry") == 250


@pytest.mark.parametrize(
    "query",
    [
        "set=nowhere&deed=retry&q=",
        "set=retries&deed=explode&q=",
        "set=retries&deed=retry&q=klass%3AMail",
        "set=dead&deed=kill&q=",
        "set=retries&deed=retry&q=&place=nowhere",
        "",
    ],
)
def test_what_can_not_be_meant_is_told(pages: Browser, store: redis.Redis, query: str) -> None:
    assert pages.get(f"/plan?{query}").status_code in (400, 404)


@pytest.mark.parametrize("at", ["", "nan", "inf", "-1", "9e99", "x"])
def test_a_moment_that_never_was_is_refused(pages: Browser, store: redis.Redis, at: str) -> None:
    form = {"set": "retries", "deed": "delete", "q": "", "at": at, "once": "0123456789abcdef"}
    assert pages.post("/bulk/delete", form).status_code == 400
    assert store.zcard("retry") == 250


def test_an_act_on_many_is_undone(pages: Browser, store: redis.Redis) -> None:
    before = store.zrange("retry", 0, -1, withscores=True)
    assert "For ten minutes that can be undone." in pages.get("/plan?set=retries&deed=delete").text
    done = begun(pages, "/plan?set=retries&deed=delete&q=class:Mail", "Delete 250 jobs")
    assert "250 jobs, for " in done
    assert store.zcard("retry") == 0
    assert "250 jobs back" in text_of(pages.press("/activity", "Undo").text)
    assert store.zrange("retry", 0, -1, withscores=True) == before


def test_a_plan_says_what_can_not_be_undone(
    pages: Browser, store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "MOST_JOBS", 100)
    text = text_of(pages.get("/plan?set=retries&deed=delete").text)
    assert "Only the first 100 of them can be undone" in text
    store.lpush("queue:mailers", *[failed(n) for n in range(101)])
    store.sadd("queues", "mailers")
    assert "That can&#39;t be undone" in pages.get("/queue/clear?name=mailers").text
