"""The pages of limits: how full, who is in, who waits; opening one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import redis

import kiq
import kiq.web
from kiq import limits
from kiq.api import LimitSet
from kiq.plugins.limits import keys
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def pages(redis_url: str, kiq_client: kiq.Client) -> Browser:
    return Browser(application(redis_url))


def test_nothing_is_there(pages: Browser) -> None:
    assert "No limit is in use" in pages.get("/limits").text
    for name in ("x", "concurrent:x:", ""):
        assert pages.get(f"/limits/one?id={name}").status_code == 404


def test_who_holds_what_and_how_many_wait(pages: Browser, raw: redis.Redis) -> None:
    with limits.concurrent("stripe", 2).within():
        raw.zadd(keys.of("concurrent:stripe:")[1], {"jid-that-waits": raw.time()[0] - 60})
        text = pages.get("/limits").text
        assert '<a class="strong" href="/limits/one?id=concurrent%3Astripe%3A">stripe</a>' in text
        assert '1<small class="muted">/2</small>' in text
        one = pages.get("/limits/one?id=concurrent:stripe:").text
    assert "no job" in one
    assert "/jobs/jid-that-waits" in one
    assert "kiq limits show concurrent:stripe:" in one


@pytest.mark.parametrize(
    "limit",
    [
        limits.window("w", 5, 60),
        limits.bucket("b", 5, "hour"),
        limits.leaky("l", 5, 60),
        limits.points("p", 5, 1),
    ],
    ids=lambda limit: limit.kind,
)
def test_each_kind_has_its_pages(pages: Browser, limit: limits.Limiter) -> None:
    with limit.within():
        pass
    (state,) = LimitSet()
    assert pages.get("/limits").text.count('<tr id="limit-') == 1
    shown = pages.get(f"/limits/one?id={quote(state.id)}")
    assert shown.status_code == 200


def test_it_is_opened_after_a_page_that_asks(pages: Browser) -> None:
    limit = limits.window("smtp", 1, 600)
    with limit.within():
        pass
    (state,) = LimitSet()
    assert state.full
    asked = pages.get("/limits/reset?id=window:smtp:").text
    assert "kiq limits reset window:smtp:" in asked
    assert "kiq.api.LimitSet().reset(&#39;window:smtp:&#39;)" in asked
    told = pages.press("/limits/reset?id=window:smtp:", "Open window:smtp").text
    assert "window:smtp is open" in told
    (state,) = LimitSet()
    assert not state.full


def test_names_are_escaped_and_searched_for(pages: Browser) -> None:
    for key in (EVIL, "a b&c=d", "100%", "\x1b[2J"):
        with limits.concurrent("by", 3, key="account").within(key=key):
            pass
    text = pages.get("/limits").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "\x1b" not in text
    for state in LimitSet():
        shown = pages.get("/limits/one?id=" + quote(state.id, safe=""))
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert pages.get("/limits/reset?id=" + quote(state.id, safe="")).status_code == 200
    assert pages.get("/limits?q=100%25").text.count('<tr id="limit-') == 1
    assert "Nothing matches" in pages.get("/limits?q=nowhere").text
    assert pages.get("/limits?from=nowhere").status_code == 404


def test_pages_of_many(pages: Browser) -> None:
    for number in range(30):
        with limits.concurrent("by", 3, key="account").within(key=f"k{number}"):
            pass
    first, second = LimitSet().page(), LimitSet().page(LimitSet().page().behind or "")
    assert (len(first.found), len(second.found), second.behind) == (25, 5, None)
    assert len({state.id for state in (*first.found, *second.found)}) == 30
    behind = pages.get("/limits?from=" + quote(first.behind or "", safe="")).text
    assert behind.count('<tr id="limit-') == 5


def test_a_reader_is_not_offered_to_open_one(redis_url: str, kiq_client: kiq.Client) -> None:
    with limits.concurrent("stripe", 2).within():
        pass
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    assert "Open it" not in reader.get("/limits/one?id=concurrent:stripe:").text
    assert reader.get("/limits/reset?id=concurrent:stripe:").status_code == 403
