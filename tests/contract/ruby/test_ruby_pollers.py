"""Either side's poller moves what the other scheduled, or what failed there, and loses none of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.helpers.ruby_land import ODD_QUEUES, Land
from tests.helpers.waiting import eventually

PAST = 1.0  # a score that is due, whoever looks


def recent(stamp: float, span: float = 60) -> bool:
    """Whether *stamp*, epoch seconds as Ruby read them, is of the last minute."""
    return -1 <= time.time() - stamp <= span


def in_set(land: Land, name: str, jid: str) -> Any:
    return eventually(lambda: land.ask("find", name, jid), 15)


def test_kiqs_poller_promotes_what_ruby_scheduled_to_any_queue(land: Land) -> None:
    jids = {
        name: land.ask(
            "push", {"class": "RbNote", "args": [name], "queue": name, "at": time.time() + 0.5}
        )
        for name in ODD_QUEUES
    }
    assert land.ask("stats")["scheduled"] == len(ODD_QUEUES)
    worker = land.work("default")  # not one of those queues: what is promoted stays there
    eventually(lambda: land.ask("stats")["enqueued"] == len(ODD_QUEUES), 15)
    found = land.ask("queues")
    assert set(found) == set(ODD_QUEUES)
    for name in ODD_QUEUES:
        assert found[name]["size"] == 1
        assert 0 <= found[name]["latency"] < 60
        (job,) = land.ask("queue", name)
        assert job["jid"] == jids[name]
        assert recent(job["created_at"])
        assert recent(job["enqueued_at"])
    assert land.ask("stats")["dead"] == 0
    server = land.serve(*ODD_QUEUES)
    land.noted(*(f"{name} {{}} {{}}" for name in ODD_QUEUES))
    assert server.stop() == 0
    assert worker.stop() == 0


def test_kiqs_poller_promotes_what_failed_in_ruby_and_ruby_goes_on_with_it(land: Land) -> None:
    server = land.serve("rubys")
    jid = land.ask("perform_async", "RbFails", {"queue": "rubys"}, "in ruby")
    entry = in_set(land, "retry", jid)
    assert server.stop() == 0  # from here on only kiq polls
    assert entry["retry_count"] == 0
    worker = land.work("default")
    land.site.hurry("retry")
    eventually(lambda: land.ask("queue", "rubys"), 15)
    (job,) = land.ask("queue", "rubys")
    assert (job["jid"], job["retry_count"]) == (jid, 0)
    assert recent(job["enqueued_at"])
    assert job["failed_at"] == entry["failed_at"]
    assert job["created_at"] == entry["created_at"]
    assert worker.stop() == 0
    server = land.serve("rubys")
    again = in_set(land, "retry", jid)
    assert again["retry_count"] == 1
    assert recent(again["retried_at"])
    assert again["failed_at"] == entry["failed_at"]
    assert server.stop() == 0


def test_rubys_poller_promotes_what_kiq_scheduled_and_what_failed_here(land: Land) -> None:
    land.site.store.flushdb()
    worker = land.work("default", "py q")
    jid = str(land.site.client.push({"class": "PyFails", "args": ["here"], "queue": "py q"}))
    entry = in_set(land, "retry", jid)
    assert (entry["error"], entry["retry_count"]) == ("no: here", 0)
    assert worker.stop() == 0  # from here on only Ruby polls
    due = str(
        land.site.client.push(
            {"class": "PyNote", "args": ["due"], "queue": "py q", "at": time.time() + 0.5}
        )
    )
    server = land.serve("rubys")
    land.site.hurry("retry")
    eventually(lambda: len(land.ask("queue", "py q")) == 2, 20)
    jobs = {job["jid"]: job for job in land.ask("queue", "py q")}
    assert set(jobs) == {jid, due}
    assert all(recent(job["enqueued_at"]) for job in jobs.values())
    assert jobs[jid]["failed_at"] == entry["failed_at"]
    assert server.stop() == 0
    land.site.store.set("mended:here", 1)
    worker = land.work("default", "py q")
    land.noted("due {} {}", "here runs")
    eventually(lambda: land.ask("stats")["processed"] == 3, 15)
    stats = land.ask("stats")
    assert (stats["failed"], stats["retries"], stats["dead"]) == (1, 0, 0)
    assert worker.stop() == 0


@pytest.mark.parametrize("side", ["kiq", "ruby"])
def test_what_is_due_while_both_poll_runs_once(land: Land, side: str) -> None:
    land.site.store.flushdb()
    worker, server = land.work("default"), land.serve("rubys")
    texts = [f"{side} {number}" for number in range(100)]
    due = time.time() + 1
    queue, name = ("rubys", "RbNote") if side == "kiq" else ("default", "PyNote")
    for text in texts:
        item = {"class": name, "args": [text], "queue": queue, "at": due}
        if side == "kiq":
            land.site.client.push(item)
        else:
            land.ask("push", item)
    land.noted(*(f"{text} {{}} {{}}" for text in texts), timeout=30)
    assert len(land.site.notes) == len(texts)
    assert server.stop() == 0
    assert worker.stop() == 0
    assert land.ask("stats")["dead"] == 0
