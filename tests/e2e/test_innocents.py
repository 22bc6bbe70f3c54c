"""Jobs that are in the way of kills that have nothing to do with them are not convicted; pills are."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from kiq import keys
from kiq.api import DeadSet, ProcessSet
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

JOBS = """
import os, signal, time
import kiq
from kiq import iteration
from tests.helpers.jobs import note


class Steps(kiq.IterableJob):
    def build(self, size, pause, deadly, *, cursor):
        return iteration.sequence(range(size), cursor=cursor)

    def each(self, item, size, pause, deadly):
        note(f"step {item}")
        if item == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(pause)

    def on_complete(self):
        note("complete")
"""


@pytest.fixture
def ours(site: Site) -> Site:
    site.write("steps.py", JOBS)
    site.write("config/kiq.yml", "concurrency: 2\nrequire: [steps, tests.helpers.jobs]\n")
    return site


def start(site: Site) -> WorkerProcess:
    return site.run("-C", "config/kiq.yml").wait_until_ready()


def kill(worker: WorkerProcess) -> None:
    worker.signal(signal.SIGKILL)
    worker.wait()


def is_quiet(site: Site, worker: WorkerProcess) -> bool:
    process = ProcessSet(site.client).get(worker.identity)
    return process is not None and process.is_quiet


def push(site: Site, *arguments: Any) -> str:
    return str(site.client.push({"class": "steps.Steps", "args": list(arguments)}))


def cursor_of(site: Site, jid: str) -> int:
    return int(site.store.hget(f"it-{jid}", "c") or 0)  # type: ignore[arg-type]


def test_an_iterable_job_that_gets_on_is_never_convicted(ours: Site) -> None:
    jid = push(ours, 3_000, 0.01, None)
    for _ in range(4):
        worker, before = start(ours), cursor_of(ours, jid)
        eventually(lambda before=before: cursor_of(ours, jid) > before, 30)
        kill(worker)
    start(ours)
    ours.noted("complete", timeout=40)
    assert ours.count("dead") == 0


def test_an_iterable_job_that_kills_at_one_item_is_convicted(ours: Site) -> None:
    push(ours, 10, 0.0, 3)
    for _ in range(3):  # it may be killed before it says that it is ready
        ours.run("-C", "config/kiq.yml").wait(30)
    last = start(ours)
    eventually(lambda: ours.count("dead") == 1, 20)
    (entry,) = DeadSet(ours.client)
    assert entry.error_class == "kiq.PoisonPill"
    assert last.running


def test_a_process_that_is_killed_while_it_stops_accuses_nobody(ours: Site) -> None:
    ours.push("Hold", "a", 60.0)
    for number in range(1, 6):
        worker = start(ours)
        eventually(lambda number=number: ours.notes.count("begin a") == number, 20)
        worker.signal(signal.SIGTERM)
        eventually(lambda worker=worker: is_quiet(ours, worker), 10)
        kill(worker)
    start(ours)
    eventually(lambda: ours.notes.count("begin a") == 6, 20)
    ours.release("a")
    ours.noted("end a")
    assert not ours.store.exists(keys.SUSPECTS)
    assert ours.count("dead") == 0
