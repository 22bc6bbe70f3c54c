"""The page Redis: what the server says of itself, and all that the doctor finds."""

from __future__ import annotations

import re

import pytest
import redis

import kiq
from kiq.api import Queue
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def pages(redis_url: str, kiq_client: kiq.Client) -> Browser:
    return Browser(application(redis_url))


def test_facts_and_findings_the_worst_first(pages: Browser, raw: redis.Redis) -> None:
    text = pages.get("/redis").text
    version = raw.info()["redis_version"]
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))
    assert facts["version"].split()[0] in ("Redis", "Valkey")
    assert version in facts["version"] or "Valkey" in facts["version"]
    assert {"role", "up for", "clients", "memory", "maxmemory", "append-only file"} <= set(facts)
    # The server of the tests keeps nothing.
    assert "nothing is written to disk" in text
    places = [text.index(f'id="{name}-title"') for name in ("urgent", "well")]
    assert places == sorted(places)
    assert "kiq doctor" in text


def test_what_it_finds_is_escaped(pages: Browser) -> None:
    kiq.push({"class": EVIL, "args": [], "queue": EVIL})
    Queue(EVIL).pause()
    text = pages.get("/redis").text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "<img" not in text


def test_where_info_is_not_allowed_the_rest_is_shown(
    pages: Browser, raw: redis.Redis, redis_url: str
) -> None:
    raw.acl_setuser(
        "nobody", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-info"]
    )
    try:
        mark = "&" if "?" in redis_url else "?"
        found = Browser(application(f"{redis_url}{mark}username=nobody&password=x"))
        text = found.get("/redis").text
        assert "INFO is not allowed here" in text
        assert "INFO is refused" in text
    finally:
        raw.acl_deluser("nobody")
