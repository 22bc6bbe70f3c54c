"""Find: pages, things to do, queues, classes, processes, and jobs by any part of them."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import quote

import pytest
import redis

import kiq
import kiq.web
from tests.helpers.living import show_process
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

JID = "5d1c7a52e6ad1ab1f5a1a0d8"


@pytest.fixture
def pages(redis_url: str) -> Browser:
    return Browser(application(redis_url))


def job(jid: str = JID, **fields: object) -> str:
    return json.dumps({"class": "app.Mail", "args": ["ann"], "jid": jid, "queue": "mail", **fields})


def links(pages: Browser, text: str) -> list[str]:
    """Return where what is found leads to."""
    found = pages.get("/find?q=" + quote(text)).text.partition('id="found"')[2]
    return re.findall(r'<a [^>]*href="([^"]+)"', found)


def test_a_page_and_what_can_be_done_are_found_by_their_words(pages: Browser) -> None:
    assert links(pages, "limi") == ["/limits"]
    assert links(pages, "DELETE ALL DEAD") == ["/plan?set=dead&amp;deed=delete"]


def test_what_one_may_not_do_is_not_found(redis_url: str) -> None:
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    assert links(reader, "delete all dead") == []


def test_queues_and_processes_are_found_by_a_part_of_their_names(
    pages: Browser, raw: redis.Redis
) -> None:
    raw.sadd("queues", "Mailers", "other")
    show_process(raw, "web-7:1:abc", {"queues": ["other"], "concurrency": 3})
    assert links(pages, "mailer") == ["/queue?name=Mailers", "/queue/clear?name=Mailers"]
    assert links(pages, "web-7") == ["/running"]


def test_a_class_that_ran_leads_to_its_metrics_and_its_jobs(
    pages: Browser, raw: redis.Redis
) -> None:
    at = time.gmtime(raw.time()[0])
    raw.hset(time.strftime("j|%y%m%d|%-H:%M", at), mapping={"app.Mail|p": 3, "app.Mail|ms": 5})
    first, *more = links(pages, "MAIL")
    assert first == "/metrics/class?name=app.Mail"
    assert [each.partition("?")[0] for each in more] == ["/retries", "/scheduled", "/dead"]


def test_a_jid_leads_to_its_job_wherever_it_is(pages: Browser, raw: redis.Redis) -> None:
    assert links(pages, JID) == [f"/jobs/{JID}"]
    raw.zadd("dead", {job(): 5})
    assert links(pages, JID) == [f"/jobs/{JID}", f"/jobs/{JID}"]
    assert links(pages, JID[3:15]) == [f"/jobs/{JID[3:15]}", f"/jobs/{JID}"]
    text = pages.get("/find?q=" + JID[3:15]).text
    assert "is dead" in text
    assert "app.Mail" in text


def test_jobs_are_found_a_part_at_a_time(pages: Browser, raw: redis.Redis) -> None:
    raw.zadd("retry", {job(f"{n:024x}", args=["needle", n]): n for n in range(25)})
    page, seen = "/find?q=needle", set[str]()
    for _ in range(4):
        text = pages.get(page).text
        seen.update(re.findall(r"/jobs/([0-9a-f]{24})", text))
        further = re.search(r'href="(/find[^"]*from=[^"]+)"', text)
        if further is None:
            break
        page = further[1].replace("&amp;", "&")
    assert len(seen) == 25
    assert pages.get("/find?q=needle&from=nonsense").status_code == 404


def test_secrets_are_hidden_in_what_is_found(redis_url: str, raw: redis.Redis) -> None:
    raw.lpush("queue:mail", job(args=[{"password": "geheim"}]), b"\xff needle")
    raw.sadd("queues", "mail")
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    text = reader.get("/find?q=app.Mail").text
    assert JID in text
    assert "geheim" not in text
    assert reader.get("/find?q=needle").status_code == 200


def test_what_is_nowhere_is_said(pages: Browser) -> None:
    assert "Nothing is like no such thing." in pages.get("/find?q=no+such+thing").text
    assert "Type a page" in pages.get("/find").text
