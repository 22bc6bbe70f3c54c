"""What one side pushes, the other runs: plain, later, in bulk, from any queue, with what it carries."""

from __future__ import annotations

import json
import time
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

import kiq
from tests.helpers.ruby_land import ODD_QUEUES, Land
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

PY_QUEUES = tuple(f"py {name}" for name in ODD_QUEUES)
RB_QUEUES = tuple(f"rb {name}" for name in ODD_QUEUES)


@pytest.fixture(scope="module")
def worker(land: Land) -> WorkerProcess:
    return land.work("default", *PY_QUEUES)


@pytest.fixture(scope="module")
def sidekiq(land: Land) -> WorkerProcess:
    return land.serve("rubys", *RB_QUEUES)


def note(text: str, options: dict[str, Any] | None = None, **carried: Any) -> str:
    """What PyNote notes, of whom Ruby knows by name only; and RbNote, but for blanks."""
    return f"{text} {json.dumps(options or {})} {json.dumps(carried)}"


def ruby_note(text: str, options: dict[str, Any] | None = None, **carried: Any) -> str:
    def dense(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    return f"{text} {dense(options or {})} {dense(carried)}"


def test_kiq_runs_what_ruby_pushes(land: Land, worker: WorkerProcess) -> None:
    jid = land.ask("push", {"class": "PyNote", "args": ["plain", {"a": [1, 2.5, None]}]})
    assert len(jid) == 24
    land.ask("push_bulk", {"class": "PyNote", "args": [["bulk 1"], ["bulk 2"]]})
    land.ask("push", {"class": "PyNote", "args": ["later"], "at": time.time() + 0.3})
    land.noted(note("plain", {"a": [1, 2.5, None]}), note("bulk 1"), note("bulk 2"), note("later"))


@pytest.mark.parametrize("queue", PY_QUEUES)
def test_kiq_serves_whatever_queue_ruby_pushes_to(
    land: Land, worker: WorkerProcess, queue: str
) -> None:
    land.ask("push", {"class": "PyNote", "args": [f"in {queue}"], "queue": queue})
    due = time.time() + 0.3
    land.ask("push", {"class": "PyNote", "args": [f"later in {queue}"], "queue": queue, "at": due})
    land.noted(note(f"in {queue}"), note(f"later in {queue}"))
    assert land.site.count("dead") == 0


def test_ruby_runs_what_kiq_pushes(land: Land, sidekiq: WorkerProcess) -> None:
    client, job = land.site.client, {"class": "RbNote", "queue": "rubys"}
    jid = client.push({**job, "args": ["plain", {"a": [1, 2.5, None]}]})
    assert len(str(jid)) == 24
    client.push_slices([{**job, "args": [f"bulk {number}"]} for number in (1, 2)])
    client.push({**job, "args": ["later"], "at": time.time() + 0.3})
    land.noted(
        ruby_note("plain", {"a": [1, 2.5, None]}),
        *(ruby_note(text) for text in ("bulk 1", "bulk 2", "later")),
    )


@pytest.mark.parametrize("queue", RB_QUEUES)
def test_ruby_serves_whatever_queue_kiq_pushes_to(
    land: Land, sidekiq: WorkerProcess, queue: str
) -> None:
    land.site.client.push({"class": "RbNote", "args": [f"in {queue}"], "queue": queue})
    land.noted(ruby_note(f"in {queue}"))


def test_a_job_of_kiq_pushes_to_ruby_and_back(
    land: Land, worker: WorkerProcess, sidekiq: WorkerProcess
) -> None:
    land.ask("push", {"class": "PyPushes", "args": ["RbNote", "rubys", "there"]})
    land.noted(ruby_note("there"))


def test_current_attributes_of_ruby_are_context_variables_here(
    land: Land, worker: WorkerProcess
) -> None:
    attributes = {"tenant": "acme", "number": 7}
    for at in ({}, {"at": time.time() + 0.3}):
        item = {"class": "PyNote", "args": [f"carried {len(at)}"], **at}
        land.ask("push_with_attributes", attributes, item)
    land.noted(note("carried 0", **attributes), note("carried 1", **attributes))


def test_what_kiq_carries_is_current_attributes_in_ruby(
    land: Land, sidekiq: WorkerProcess, fresh_host: kiq.Host
) -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    kiq.carry(tenant)

    def push() -> None:
        tenant.set("acme")
        for later in (None, time.time() + 0.3):
            at = {"at": later} if later else {}
            item = {"class": "RbNote", "args": [f"from kiq {len(at)}"], "queue": "rubys", **at}
            land.site.client.push(item)

    copy_context().run(push)
    land.noted(ruby_note("from kiq 0", tenant="acme"), ruby_note("from kiq 1", tenant="acme"))


def test_what_ruby_carries_goes_through_a_job_of_kiq_to_ruby(
    land: Land, worker: WorkerProcess, sidekiq: WorkerProcess
) -> None:
    item = {"class": "PyPushes", "args": ["RbNote", "rubys", "and back"]}
    land.ask("push_with_attributes", {"tenant": "acme", "number": 7}, item)
    land.noted(ruby_note("and back", tenant="acme", number=7))


def test_neither_side_complains(land: Land, worker: WorkerProcess, sidekiq: WorkerProcess) -> None:
    eventually(lambda: land.ask("stats")["enqueued"] == 0, 15)
    assert land.ask("stats")["dead"] == land.ask("stats")["retries"] == 0
    assert not [line for line in worker.lines if "WARN" in line or "ERROR" in line], worker.log
    assert not [line for line in sidekiq.lines if "ERROR" in line], sidekiq.log
