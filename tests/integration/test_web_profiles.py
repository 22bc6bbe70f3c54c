"""The pages of profiles: the list, a flame graph, the document, deleting; whatever stands in them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import redis

import kiq
from kiq.api import ProfileSet
from tests.helpers.profiled import document, keep
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

EVIL = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def pages(redis_url: str, kiq_client: kiq.Client) -> Browser:
    return Browser(application(redis_url))


def test_nothing_is_kept(pages: Browser) -> None:
    assert "No profile is kept" in pages.get("/profiles").text
    assert pages.get("/profiles/one?key=x").status_code == 404
    assert pages.get("/profiles/document?key=x").status_code == 404


def test_one_is_listed_drawn_sent_and_deleted(pages: Browser, raw: redis.Redis) -> None:
    made = document(
        [("perform", "app.py", 3), ("query", "db.py", 10)], [(None, 0), (0, 1)], [(1, 5.0)]
    )
    keep(raw, "slow-abc", made)
    assert "HardWorker" in pages.get("/profiles").text
    text = pages.get("/profiles/one?key=slow-abc").text
    assert text.count("<rect") == 2
    assert "query (db.py:10) 5.0 ms, 100.0 %" in text
    assert pages.get("/profiles/document?key=slow-abc").json == made
    after = pages.press("/profiles/one?key=slow-abc", "Delete")
    assert "deleted the profile slow-abc" in after.text
    assert len(ProfileSet(raw)) == 0


def test_what_stands_in_it_is_escaped(pages: Browser, raw: redis.Redis) -> None:
    keep(
        raw,
        EVIL + "-x",
        document([(EVIL, EVIL, 1)], [(None, 0)], [(0, 5.0)]),
        type=EVIL,
        token=EVIL,
        jid=EVIL,
        started_at="1e999",
        elapsed=EVIL,
    )
    for path in ("/profiles", f"/profiles/one?key={quote(EVIL + '-x')}"):
        text = pages.get(path).text
        assert "&lt;script&gt;" in text
        assert "<script>alert" not in text
        assert "<img" not in text


@pytest.mark.parametrize("data", [b"no gzip", b"", {"threads": []}])
def test_what_can_not_be_read_says_so(pages: Browser, raw: redis.Redis, data: bytes) -> None:
    keep(raw, "bad-abc", data)
    answer = pages.get("/profiles/one?key=bad-abc")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_a_large_document_is_not_sent(pages: Browser, raw: redis.Redis) -> None:
    keep(raw, "large-abc", document([], [], []), size=3_000_000)
    assert pages.get("/profiles/document?key=large-abc").status_code == 404
    assert "for the Firefox Profiler" not in pages.get("/profiles/one?key=large-abc").text
