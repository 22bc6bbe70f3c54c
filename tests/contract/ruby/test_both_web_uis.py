"""Sidekiq's own Web UI and kiq's, of one database: the same numbers, and the same jobs on the pages."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.helpers.ruby_land import Land
from tests.helpers.waiting import eventually
from tests.helpers.web import Browser, application

pytestmark = pytest.mark.needs("werkzeug")

#: A page of ours and what Sidekiq calls it.
SETS = {"retries": "retries", "scheduled": "scheduled", "dead": "morgue"}


@pytest.fixture(scope="module")
def pages(land: Land) -> Browser:
    """A worker that runs a job and has done others; jobs of both languages in every place."""
    land.work("default")
    client = land.site.client
    busy = client.push({"class": "PyHold", "args": ["both"]})
    for number in range(3):
        client.push({"class": "RbNote", "args": [number], "queue": "rubys"})
        client.push({"class": "PyNote", "args": [number], "at": time.time() + 3600 + number})
        client.push({"class": "PyFails", "args": [f"both {number}"]})
        client.push({"class": "PyNote", "args": [f"both {number}"]})
    client.push({"class": "PyFails", "args": ["dead both"], "retry": 0})
    for place, count in (("retry", 3), ("dead", 1)):
        eventually(lambda place=place, count=count: land.site.count(place) == count, 20)  # type: ignore[misc]
    land.site.noted(*(f"both {number} {{}} {{}}" for number in range(3)))
    eventually(lambda: [each["jid"] for each in land.ask("work")] == [busy], 20)
    return Browser(application(land.site.url))


def theirs(land: Land, path: str) -> str:
    """Return a page of Sidekiq's."""
    found = land.ask("page", path)
    assert found["status"] == 200, found
    return str(found["body"])


def both(land: Land, pages: Browser, path: str) -> tuple[Any, Any]:
    """Return what a monitor reads at *path*, of Sidekiq's and of ours."""
    return json.loads(theirs(land, path)), pages.get(path).json


def test_a_monitor_reads_the_same_numbers(land: Land, pages: Browser) -> None:
    # Numbers are counted by the second: until both have the same ones.
    def same() -> bool:
        sidekiqs, ours = both(land, pages, "/stats")
        named = set(sidekiqs["sidekiq"]) - {"default_latency"}
        assert named <= set(ours["sidekiq"]), "each number of Sidekiq's is there under its name"
        assert set(sidekiqs["redis"]) <= set(ours["redis"])
        return all(ours["sidekiq"][name] == sidekiqs["sidekiq"][name] for name in named)

    eventually(same, 20, message="the same numbers")
    _, ours = both(land, pages, "/stats")
    found = ours["sidekiq"]
    assert (found["enqueued"], found["scheduled"], found["retries"], found["dead"]) == (3, 3, 3, 1)
    assert (found["processed"], found["failed"], found["busy"]) == (7, 4, 1)
    sidekiqs, ours = both(land, pages, "/stats/queues")
    assert sidekiqs == ours
    assert ours["rubys"] == 3


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_the_same_jobs(land: Land, pages: Browser, name: str) -> None:
    sidekiqs = re.findall(rf"{SETS[name]}/[\d.]+-([0-9a-f]{{24}})", theirs(land, f"/{SETS[name]}"))
    ours = re.findall(r"/jobs/([0-9a-f]{24})", pages.get(f"/{name}").text)
    assert set(ours) == set(sidekiqs)
    assert ours


def test_the_process_and_its_job_are_the_same(land: Land, pages: Browser) -> None:
    (process,) = land.ask("processes")
    (work,) = land.ask("work")
    text = pages.get("/running").text
    assert work["jid"] in text
    assert process["identity"].split(":")[-2] in text, "its pid"
    assert work["jid"] in theirs(land, "/busy")
