"""Sidekiq's own web pages of a database in which kiq works: each opens, and shows what is so."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.helpers.ruby_land import Land
from tests.helpers.waiting import eventually

#: Years that no page of ours may show: milliseconds taken for seconds, and seconds for milliseconds.
_FAR = re.compile(r"\b(1970|[3-9]\d{3}|\d{5,})-\d\d-\d\d")


@pytest.fixture(scope="module")
def jids(land: Land) -> dict[str, str]:
    """A worker that runs a job, and a job in each place."""
    land.work("default")
    client = land.site.client
    made: dict[str, Any] = {
        "busy": {"class": "PyHold", "args": ["page"]},
        "queued": {"class": "RbNote", "args": ["<b>waits</b>"], "queue": "rb {x} <i>"},
        "scheduled": {"class": "PyNote", "args": ["later"], "at": time.time() + 3600},
        "failed": {"class": "PyFails", "args": ["page"], "backtrace": 3, "tags": ["alpha"]},
        "dead": {"class": "PyFails", "args": ["dead page"], "retry": 0},
        "done": {"class": "PyNote", "args": ["done"]},
    }
    jids = {name: str(client.push(item)) for name, item in made.items()}
    for name, place in (("failed", "retry"), ("dead", "dead")):
        eventually(lambda jid=jids[name], place=place: land.ask("find", place, jid), 15)  # type: ignore[misc]
    eventually(lambda: land.ask("work"), 15)
    return jids


def page(land: Land, path: str) -> str:
    """Return the page, which has opened and shows no far date and no negative latency."""
    found = land.ask("page", path)
    assert found["status"] == 200, (path, found)
    body = str(found["body"])
    assert not _FAR.search(body), _FAR.search(body)
    assert not re.search(r">\s*-\d", body), path
    return body


def entry_path(land: Land, name: str, jid: str) -> str:
    """Return the path of an entry of a set: its score and its jid."""
    item = land.ask(
        "find", {"retries": "retry", "scheduled": "schedule", "morgue": "dead"}[name], jid
    )
    return f"/{name}/{item['at']!r}-{jid}"


def test_the_front_page(land: Land, jids: dict[str, str]) -> None:
    body = page(land, "/")
    assert "Dashboard" in body or "dashboard" in body


def test_the_busy_page_shows_the_process_and_its_job(land: Land, jids: dict[str, str]) -> None:
    body = page(land, "/busy")
    assert jids["busy"] in body
    assert "PyHold" in body
    (process,) = land.ask("processes")
    assert process["identity"].rpartition(":")[0] in body or process["identity"] in body
    assert "kq" in body


def test_the_queues_are_listed_whatever_their_names(land: Land, jids: dict[str, str]) -> None:
    # The page of one queue takes plain names only, in Ruby itself.
    assert "rb {x} &lt;i&gt;" in page(land, "/queues")


def test_a_queue_of_a_plain_name(land: Land, jids: dict[str, str]) -> None:
    land.site.client.push({"class": "RbNote", "args": ["on the page"], "queue": "rubys"})
    body = page(land, "/queues/rubys")
    assert "RbNote" in body
    assert "on the page" in body


@pytest.mark.parametrize(
    ("name", "which", "shown"),
    [
        ("retries", "failed", ("PyFails", "no: page")),
        ("scheduled", "scheduled", ("PyNote", "later")),
        ("morgue", "dead", ("PyFails", "no: dead page")),
    ],
)
def test_a_set_and_each_entry(
    land: Land, jids: dict[str, str], name: str, which: str, shown: tuple[str, ...]
) -> None:
    body = page(land, f"/{name}")
    assert all(text in body for text in shown)
    body = page(land, entry_path(land, name, jids[which]))
    assert all(text in body for text in shown)
    assert jids[which] in body
    if which == "failed":
        assert "py_fails" in body, "the backtrace"


def test_the_metrics_pages(land: Land, jids: dict[str, str]) -> None:
    if land.major < 7:
        assert land.ask("page", "/metrics")["status"] == 404
        return  # that version has none
    eventually(lambda: "PyFails" in page(land, "/metrics"), 30)
    eventually(lambda: "PyNote" in page(land, "/metrics"), 30)
    assert "PyNote" in page(land, "/metrics/PyNote")


def test_its_buttons_work_on_jobs_of_kiq(land: Land, jids: dict[str, str]) -> None:
    land.site.store.set("mended:page", 1)
    path = entry_path(land, "retries", jids["failed"])
    runs = land.site.notes.count("page runs")
    assert land.ask("press", path, "retry")["status"] == 302
    eventually(lambda: land.site.notes.count("page runs") == runs + 1, 10)
    path = entry_path(land, "morgue", jids["dead"])
    assert land.ask("press", path, "delete")["status"] == 302
    assert land.ask("find", "dead", jids["dead"]) is None


def test_its_quiet_button_quiets_a_worker(land: Land, jids: dict[str, str]) -> None:
    (process,) = land.ask("processes")
    assert land.ask("press", "/busy", "quiet")["status"] == 302
    eventually(lambda: land.ask("processes")[0]["quiet"] == "true", 15)
    land.site.release("page")
    assert process["quiet"] == "false"


def test_the_numbers_for_other_programs(land: Land, jids: dict[str, str]) -> None:
    found = land.ask("page", "/stats")
    assert found["status"] == 200
    assert '"processed"' in found["body"]
