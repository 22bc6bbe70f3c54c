"""The pages of batches: how far they are, what is within them, search, cancelling."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
import redis

import kiq
import kiq.web
from kiq.api import BatchSet
from kiq.plugins.batches import keys
from tests.helpers.batched import Part, batch
from tests.helpers.web import Browser, application

pytestmark = [pytest.mark.needs("werkzeug"), pytest.mark.usefixtures("fresh_host")]

EVIL = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def pages(redis_url: str, kiq_client: kiq.Client) -> Browser:
    return Browser(application(redis_url))


def nested() -> tuple[kiq.Batch, kiq.Batch, kiq.Batch]:
    with batch("outer", tags=["import"]) as outer:
        Part.perform_async()
        with batch("inner") as inner:
            Part.perform_bulk([(), ()])
            with batch("innermost") as innermost:
                Part.perform_async()
    return outer, inner, innermost


def test_nothing_is_there(pages: Browser) -> None:
    assert "There is no batch" in pages.get("/batches").text
    assert pages.get("/batches/one?bid=x").status_code == 404
    assert pages.get("/batches/cancel?bid=x").status_code == 404


def test_the_list_is_searched_by_text_tag_and_state(pages: Browser) -> None:
    outer, inner, _ = nested()
    text = pages.get("/batches").text
    assert text.count('<tr id="batch-') == 3
    assert "1 batch within" in text
    for query, bids in (("q=outer", [outer]), ("tag=import", [outer]), ("q=inner", [inner, None])):
        found = pages.get(f"/batches?{query}").text
        assert found.count('<tr id="batch-') == len(bids), query
        assert f'id="batch-{outer.bid}"' in found or bids[0] is not outer
    assert "Nothing matches" in pages.get("/batches?tag=none").text
    assert pages.get("/batches?running=1").text.count('<tr id="batch-') == 3
    BatchSet().cancel(outer.bid)
    assert pages.get("/batches?q=outer").text.count("cancelled") == 1
    assert pages.get("/batches?from=nowhere").status_code == 404


def test_pages_of_many(pages: Browser) -> None:
    for number in range(27):
        with kiq.Batch(f"number {number}"):
            Part.perform_async()
    first = pages.get("/batches").text
    assert first.count('<tr id="batch-') == 25
    link = re.search(r'href="(/batches\?[^"]*from=[^"]+)"', first)
    assert link is not None
    behind = pages.get(html.unescape(link[1])).text
    assert behind.count('<tr id="batch-') == 2
    assert ">number 0<" in behind


def test_one_shows_its_jobs_and_its_place_among_others(pages: Browser) -> None:
    outer, inner, innermost = nested()
    for one in (outer, inner, innermost):
        text = pages.get(f"/batches/one?bid={one.bid}").text
        drawn = re.search(r'<svg class="nesting".*?</svg>', text, re.DOTALL)
        assert drawn is not None
        assert all(f'href="/batches/one?bid={each.bid}"' in drawn[0] for each in (outer, inner))
        assert drawn[0].count('aria-current="page"') == 1
    shown = pages.get(f"/batches/one?bid={inner.bid}").text
    jids = list(BatchSet().jobs(inner.bid))
    assert len(jids) == 2
    assert all(f"/jobs/{jid}" in shown for jid in jids)
    assert f"kiq batches {inner.bid}" in shown


def test_members_are_shown_by_what_became_of_them(pages: Browser, raw: redis.Redis) -> None:
    with kiq.Batch("some") as one:
        Part.perform_bulk([()] * 3)
    raw.zadd(keys.others(one.bid), {"dead-one": 3, "retried-one": 1, "lost-one": 6})
    raw.hincrby(keys.record(one.bid), "total", 3)
    for kind, jid in (("dead", "dead-one"), ("retrying", "retried-one"), ("lost", "lost-one")):
        text = pages.get(f"/batches/one?bid={one.bid}&kind={kind}").text
        assert f"/jobs/{jid}" in text
    assert f"/retries?q=batch%3A{one.bid}" in pages.get(f"/batches/one?bid={one.bid}").text
    assert "runs, 2 failed" in pages.get("/batches").text


def test_it_is_cancelled_after_a_page_that_asks(pages: Browser) -> None:
    outer, inner, _ = nested()
    asked = pages.get(f"/batches/cancel?bid={outer.bid}").text
    assert "1 of its jobs has not ended" in asked
    assert "What is within it is cancelled, too." in asked
    assert f"kiq batches {outer.bid} --cancel" in asked
    form = {"bid": outer.bid, "why": "100%41 & <b>"}
    told = pages.get(pages.post("/batches/cancelled", form).headers["Location"]).text
    assert "outer is cancelled" in told
    found = BatchSet().find(outer.bid)
    assert found is not None
    assert (found.state, found.why) == ("cancelled", "100%41 & <b>")
    within = BatchSet().find(inner.bid)
    assert within is not None
    assert within.state == "cancelled"
    again = pages.get(pages.post("/batches/cancelled", form).headers["Location"]).text
    assert "was over, or cancelled before" in again


def test_what_is_over_is_forgotten(pages: Browser, raw: redis.Redis) -> None:
    with kiq.Batch("some") as one:
        Part.perform_async()
    answer = pages.post("/batches/forgotten", {"bid": one.bid})
    assert "is not over" in pages.get(answer.headers["Location"]).text
    raw.hset(keys.record(one.bid), "end_at", 5)
    assert "some is forgotten" in pages.press(f"/batches/one?bid={one.bid}", "Forget it").text
    assert BatchSet().find(one.bid) is None


def test_names_are_escaped_and_a_broken_batch_hides_no_other(
    pages: Browser, raw: redis.Redis
) -> None:
    with kiq.Batch(EVIL + "\x1b[2J {x}", tags=[EVIL]) as one:
        Part.perform_async()
    odd = {"state": "x", "created_at": "soon", "total": "many", "tags": "{", "end_at": "x"}
    raw.hset(keys.record("broken"), mapping=odd)
    raw.hset(keys.record("a.b.c"), mapping={"state": "running", "tags": '[1, {"a": 2}]'})
    raw.zadd(keys.BATCHES, {"broken": 5, "a.b.c": 6, "gone": 7, EVIL: 8})
    raw.hset(keys.record(EVIL), mapping={"state": "running", "description": EVIL, "why": EVIL})
    text = pages.get("/batches").text
    assert text.count('<tr id="batch-') == 4
    for bid in (one.bid, "broken", "a.b.c", EVIL):
        for path in ("one", "cancel"):
            shown = pages.get(f"/batches/{path}?bid={quote(bid)}")
            assert shown.status_code == 200, (path, bid)
            text += shown.text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "\x1b" not in text


def test_each_role_is_offered_what_it_may_do(redis_url: str, kiq_client: kiq.Client) -> None:
    outer, _, _ = nested()
    for role, offered in (("reader", False), ("operator", True)):
        one = Browser(application(redis_url, kiq.web.everyone(role)))
        assert ("Cancel it" in one.get(f"/batches/one?bid={outer.bid}").text) is offered
        assert (one.get(f"/batches/cancel?bid={outer.bid}").status_code == 200) is offered


def test_only_so_many_of_those_within_are_read(pages: Browser, raw: redis.Redis) -> None:
    with batch("outer") as outer:
        for number in range(14):
            with batch(f"part {number}"):
                Part.perform_async()
    drawn = pages.get(f"/batches/one?bid={outer.bid}").text
    assert "4 more" in drawn
    assert drawn.count('<rect class="box"') == 11
    assert len(BatchSet().within(outer.bid, 3)) == 3
