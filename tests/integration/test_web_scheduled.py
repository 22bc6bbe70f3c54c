"""The histogram above the scheduled jobs: a bar leads to its jobs, what is late is said."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

import pytest
import redis

from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")


@pytest.fixture
def pages(redis_url: str) -> Browser:
    return Browser(application(redis_url))


def add(raw: redis.Redis, *ats: float) -> None:
    for number, at in enumerate(ats):
        jid = f"{number:024x}"
        job = {"class": "X", "args": [], "jid": jid, "queue": "q", "created_at": 1}
        raw.zadd("schedule", {json.dumps(job): at})


def bars(text: str) -> list[str]:
    drawn = re.search(r'<svg class="bars".*?</svg>', text, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"', drawn[0]) if drawn else []


def test_a_bar_leads_to_the_jobs_of_its_time(pages: Browser, raw: redis.Redis) -> None:
    now = raw.time()[0]
    add(raw, now + 600, now + 7 * 3600, now + 15 * 3600, now + 15 * 3600 + 1)
    shown = pages.get("/scheduled").text
    links = bars(shown)
    assert len(links) in (3, 4)  # the two of one hour may stand on both sides of an edge
    behind = pages.get(html.unescape(links[1])).text
    assert behind.count('<tr id="job-') == 3
    assert f"{1:024x}" in behind
    assert f"/jobs/{0:024x}" not in behind
    assert "overdue" not in shown


@pytest.mark.parametrize("span", ["hour", "day", "week", "<b>"])
def test_what_is_overdue_is_said_whatever_the_span(
    pages: Browser, raw: redis.Redis, span: str
) -> None:
    add(raw, 5, raw.time()[0] + 1200)
    text = pages.get(f"/scheduled?span={span}").text
    assert '<a class="badge amber"' in text
    assert "1 overdue" in text
    assert len(bars(text)) == 1


def test_there_is_no_histogram_of_nothing(pages: Browser) -> None:
    text = pages.get("/scheduled").text
    assert "No job waits for its time." in text
    assert 'class="coming"' not in text
    assert 'class="coming"' not in pages.get("/retries").text


def test_times_are_in_the_zone_that_a_visitor_chose(pages: Browser, raw: redis.Redis) -> None:
    add(raw, raw.time()[0] // 86_400 * 86_400 + 2 * 86_400 + 12 * 3600)  # noon, two days on
    hours = {}
    for zone in ("UTC", "Asia/Tokyo", "Not/There", "../../etc/passwd"):
        pages.client.set_cookie("kiq_zone", quote(zone, safe=""))
        text = pages.get("/scheduled?span=week").text
        (hours[zone],) = re.findall(r'aria-label="1 job from \d+ \w+ (\d\d:\d\d)"', text)
        assert (
            f'<span class="zone">{zone if zone in ("UTC", "Asia/Tokyo") else "UTC"}</span>' in text
        )
    assert hours.pop("Asia/Tokyo") == "21:00"
    assert set(hours.values()) == {"12:00"}
