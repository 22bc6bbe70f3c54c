"""The lock of ``docs/plugins.md`` among processes: taken once, kept through a kill, free in the end."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

import kiq
from kiq.config import Redis
from kiq.errors import StoreUnavailable
from tests.helpers.locked import Locks, holder, jids_in, text_of_locks
from tests.helpers.namespaced import url_here
from tests.helpers.proxy import MOMENTS, FaultProxy
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

JOBS = """
import time
import locks
import kiq
from tests.helpers.jobs import note


class Held(kiq.Job, name="locks.Held", queue="out", retry=1, lock="held"):
    def perform(self, how="ends"):
        note(f"{self.jid} runs")
        if how == "waits":
            time.sleep(60)
        if how == "fails":
            raise ValueError("on purpose")
"""

PUSHES = """
import kiq
import locks, held

kiq.host.install(locks.Locks())
for number in range(100):
    print(held.Held.set(lock=str(number)).perform_async())
"""


@pytest.fixture
def worked(site: Site, fresh_host: kiq.Host) -> Path:
    """The configuration of a worker with the plugin; the producers of this process have it too."""
    site.write("locks.py", text_of_locks())
    site.write("held.py", JOBS)
    fresh_host.install(Locks())
    return site.write(
        "kiq.yml", "require: [held]\nplugins: ['locks:Locks']\nqueues: [out]\ntimeout: 1\n"
    )


def push(site: Site, how: str = "ends", lock: str = "held") -> str | None:
    item = {"class": "locks.Held", "args": [how], "queue": "out", "retry": 1, "lock": lock}
    return site.client.push(item)


def test_eight_processes_that_push_at_once_take_each_lock_once(site: Site, worked: Path) -> None:
    site.write("pushes.py", PUSHES)
    processes = [site.run("pushes.py", command=(sys.executable,)) for _ in range(8)]
    assert [each.wait(60) for each in processes] == [0] * 8
    there = jids_in(site.store)
    assert len(there) == len(set(there)) == 100
    for each in processes:
        printed = [line for line in each.lines if len(line) == 24]
        assert printed == [holder(site.store, str(number)) for number in range(100)]


def test_a_worker_that_is_killed_leaves_the_lock_with_its_job(site: Site, worked: Path) -> None:
    jid = push(site, "waits")
    first = site.run("-C", str(worked)).wait_until_ready()
    eventually(lambda: site.notes.count(f"{jid} runs") == 1, 20)
    first.signal(signal.SIGKILL)
    first.wait()
    assert holder(site.store, "held") == jid
    assert push(site) == jid
    second = site.run("-C", str(worked)).wait_until_ready()
    eventually(lambda: site.notes.count(f"{jid} runs") == 2, 30, message="it runs again")
    assert push(site) == jid
    second.signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert (holder(site.store, "held"), jids_in(site.store)) == (jid, [jid]), "it went back"


def test_locks_are_free_when_all_is_over(site: Site, worked: Path) -> None:
    site.run("-C", str(worked)).wait_until_ready()
    with FaultProxy(site.server.port) as between:
        url = url_here(f"redis://{between.url.split('/')[2]}/{site.database}")
        client = kiq.Client(Redis(url=url, socket_timeout=2))
        item = {"class": "locks.Held", "queue": "out", "retry": 0}
        pushed: Counter[str] = Counter()
        for number in range(60):
            how = ("ends", "fails")[number % 2]
            if number % 5 == 0:
                between.cut_next(MOMENTS[number % 3])
            try:
                jid = client.push({**item, "args": [how], "lock": f"l{number % 4}"})
            except StoreUnavailable:
                continue
            pushed[str(jid)] += 1
    eventually(lambda: not site.store.exists("queue:out"), 20)
    eventually(lambda: site.store.keys("lock:*") == [], 20)
    assert set(pushed) <= {note.split()[0] for note in site.notes}
