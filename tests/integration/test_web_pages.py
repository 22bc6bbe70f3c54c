"""Pages of the web UI on a real server: what they show, that they only read, that nothing hides a page."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
import redis

import kiq
from kiq.api import Queue
from tests.helpers.living import hold, show_process
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Mail(kiq.Job, queue="mailers"):
    def perform(self, to: str, password: str = "") -> None: ...


def browser(url: str, **options: Any) -> Browser:
    return Browser(application(url, **options))


def job(**fields: Any) -> str:
    known = {"class": "X", "args": [], "jid": "5d1c7a52e6ad1ab1f5a1a0d8", "queue": "mail"}
    return json.dumps({**known, "created_at": 1, **fields})


@pytest.fixture
def filled(raw: redis.Redis) -> None:
    """Jobs, processes and names that anybody may have written."""
    raw.sadd("queues", "mail", EVIL, "a/b", "100%", "x+y", "mail#1", "\x1b[2J")
    raw.lpush("queue:mail", job(), job(args=[{"password": "geheim"}]), b"\xff\x00no job")
    raw.lpush("queue:" + EVIL, job(**{"class": EVIL, "args": [EVIL], "jid": EVIL}))
    raw.sadd("paused", "mail")
    evil = job(jid="a" * 24, error_class=EVIL, error_message=EVIL, retry_count=3, tags=[EVIL])
    for key in ("retry", "schedule", "dead"):
        raw.zadd(key, {evil: 1_900_000_000, b"\xff": 1_900_000_001, job(queue=[1], jid=7): 5})
    show_process(
        raw,
        "web:1:abc",
        {
            "queues": ["mail", EVIL],
            "concurrency": 3,
            "tag": EVIL,
            "labels": [EVIL],
            "version": EVIL,
        },
    )
    hold(raw, "web:1:abc", "mail", job(**{"class": EVIL, "args": [EVIL]}))


WRITES = {
    *("set", "del", "unlink", "expire", "hset", "hdel", "hincrby", "incr", "incrby", "lpush"),
    *("lrem", "ltrim", "rpush", "rpop", "lpop", "sadd", "srem", "spop", "zadd", "zrem", "publish"),
}
PAGES = [
    *("/", "/queues", "/queue?name=mail", "/running", "/activity", "/queue/clear?name=mail"),
    *("/periodic", "/batches", "/batches?tag=x&running=1", "/limits", "/limits?q=x"),
    *("/locks", "/locks?q=x", "/locks/all", "/find", "/find?q=mail", "/find?q=" + quote(EVIL)),
    *("/retries", "/scheduled", "/dead", f"/jobs/{'a' * 24}", "/dead?q=" + quote(EVIL)),
    *("/metrics", "/metrics?over=8h&q=" + quote(EVIL), "/metrics/class?name=" + quote(EVIL)),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_itself_on_an_empty_redis_or_says_what_is_missing(
    redis_url: str, page: str
) -> None:
    answer = browser(redis_url).get(page)
    assert answer.status_code == (
        404 if ("/queue" in page and "name=" in page) or "/jobs/" in page else 200
    )
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("filled")
def test_hostile_text_is_shown_and_does_nothing(redis_url: str, page: str) -> None:
    text = browser(redis_url).get(page).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["{x}", "{", "}{0}"])
def test_a_name_with_braces_breaks_no_page(redis_url: str, raw: redis.Redis, name: str) -> None:
    raw.sadd("queues", name)
    assert browser(redis_url).get(f"/queue?name={quote(name)}").status_code == 200


@pytest.mark.parametrize("name", [EVIL, "a/b", "100%", "x+y", "mail#1", "\x1b[2J"])
@pytest.mark.usefixtures("filled")
def test_a_queue_of_any_name_has_a_page_that_its_link_leads_to(redis_url: str, name: str) -> None:
    pages = browser(redis_url)
    shown = pages.get("/queues").text
    links = [part.partition('"')[0] for part in shown.split('href="')[1:] if "/queue?" in part[:8]]
    found = [pages.get(link.replace("&amp;", "&")) for link in links]
    assert all(answer.status_code == 200 for answer in found)
    assert len(found) == 7
    assert Queue(name="mail").name == "mail"
    assert pages.get("/queue?name=nowhere").status_code == 404
    assert name  # each of them is among the seven


@pytest.mark.usefixtures("filled")
def test_a_broken_job_hides_no_other(redis_url: str) -> None:
    text = browser(redis_url).get("/queue?name=mail").text
    assert text.count('<tr id="job-') == 3
    assert "(undecodable)" in text
    assert "5d1c7a52e6ad1ab1f5a1a0d8" in text


@pytest.mark.usefixtures("filled")
def test_secrets_are_hidden_from_those_who_may_not_see_them(redis_url: str) -> None:
    reader = browser(redis_url, policy=kiq.web.everyone("reader"))
    assert "geheim" not in reader.get("/queue?name=mail").text
    assert "geheim" in browser(redis_url).get("/queue?name=mail").text


def test_a_page_tells_the_numbers(kiq_client: kiq.Client, redis_url: str) -> None:
    for each in ("ann", "bob"):
        Mail.perform_async(each)
    Mail.perform_in(60, "cat")
    pages = browser(redis_url)
    assert "no process takes it" in pages.get("/queues").text
    front = pages.get("/").text
    assert "no worker process runs" in front
    assert "<dt>waiting</dt><dd>2</dd>" in front
    assert "<dt>scheduled</dt><dd>1</dd>" in front


@pytest.mark.usefixtures("filled")
def test_looking_writes_nothing(redis_url: str, raw: redis.Redis) -> None:
    pages = browser(redis_url)
    raw.config_resetstat()
    for page in PAGES:
        assert pages.get(page).status_code == 200
    sent = {name.removeprefix("cmdstat_") for name in raw.info("commandstats")}
    assert sent & WRITES == set()
    assert {"lrange", "zcard"} <= sent


@pytest.mark.usefixtures("filled")
def test_a_part_is_what_lives_of_a_page_and_nothing_when_it_is_known(redis_url: str) -> None:
    pages = browser(redis_url)
    part = pages.get("/activity", X_Kiq_Part="1")
    assert part.text.count("<main") == 1
    assert "<html" not in part.text
    assert "Set-Cookie" not in part.headers
    assert part.headers["X-Kiq-Assets"]
    assert part.headers["Cache-Control"] == "private, no-store"
    same = pages.get("/activity", X_Kiq_Part="1", If_None_Match=part.headers["ETag"])
    assert same.status_code == 304
    assert same.data == b""


def test_ten_that_look_cost_redis_what_one_does(redis_url: str, raw: redis.Redis) -> None:
    app = application(redis_url)
    Browser(app).get("/queues")

    def asked() -> int:
        return int(raw.info("stats")["total_commands_processed"])

    before = asked()
    for _ in range(10):
        assert Browser(app).get("/queues").status_code == 200
    # The test's own INFO; a page within the second asks nothing, and more than one look can't pass.
    assert asked() - before < 60


@pytest.mark.usefixtures("filled")
def test_the_page_of_a_job_follows_it(redis_url: str, raw: redis.Redis) -> None:
    pages = browser(redis_url)
    place = f"/jobs/{'a' * 24}"
    for key in ("schedule", "dead"):
        raw.delete(key)
    assert "waits for its next attempt" in pages.get(place).text
    raw.delete("retry")
    gone = pages.get(place)
    assert gone.status_code == 404
    assert "in no queue and no set" in gone.text
    for odd in ("/jobs/a%00b", "/jobs/" + "a" * 101, "/jobs/<b>"):
        assert pages.get(odd).status_code == 404


@pytest.mark.usefixtures("filled")
def test_a_filter_chooses_and_says_what_it_does_not_know(redis_url: str) -> None:
    pages = browser(redis_url)
    assert pages.get("/dead").text.count('<tr id="job-') == 3
    assert pages.get("/dead?q=class:X+retries%3E2").text.count('<tr id="job-') == 1
    assert "Nothing matches" in pages.get("/dead?q=class:Y").text
    assert "does not know &#39;clas&#39;" in pages.get("/dead?q=clas:X").text
    assert pages.get("/dead?from=nonsense").status_code == 404


def test_a_long_set_is_walked_page_by_page(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd("dead", {job(jid=f"{number:024x}"): 5 for number in range(60)})
    pages, place, shown = browser(redis_url), "/dead", list[str]()
    while place:
        text = pages.get(place).text
        shown += re.findall(r'href="/jobs/(\w+)"', text)
        more = re.search(r'href="(/dead\?[^"]*from=[^"]*)"', text)
        place = more[1].replace("&amp;", "&") if more else ""
    assert len(shown) == len(set(shown)) == 60


def test_redis_away_is_a_page_that_says_so() -> None:
    answer = browser("redis://127.0.0.1:1/0").get("/")
    assert answer.status_code == 503
    assert "127.0.0.1:1" in answer.text
    part = browser("redis://127.0.0.1:1/0").get("/", X_Kiq_Part="1")
    assert part.status_code == 503
    assert "127.0.0.1:1" in part.get_json()["error"]


def test_the_password_of_redis_is_on_no_page(redis_url: str) -> None:
    answer = browser("redis://ann:sesame@127.0.0.1:1/0").get("/")
    assert "sesame" not in answer.text


@pytest.mark.usefixtures("filled")
def test_links_stay_under_the_prefix(redis_url: str) -> None:
    pages = Browser(application(redis_url), prefix="/admin/kiq")
    for page in ("", "/", "/queues"):
        answer = pages.get(page)
        assert answer.status_code == 200, page
        targets = {part.partition('"')[0] for part in answer.text.split('href="')[1:]}
        assert all(each.startswith(("/admin/kiq/", "#")) for each in targets), targets


@pytest.mark.usefixtures("filled")
def test_a_language_is_the_browsers(redis_url: str) -> None:
    pages = browser(redis_url)
    assert '<html lang="en" dir="ltr">' in pages.get("/").text
    assert '<html lang="ar" dir="rtl">' in pages.get("/", Accept_Language="ar").text
