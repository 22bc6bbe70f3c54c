"""The thread that beats hangs in a process that is alone: another beats, or the process ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiq.clock import wall
from tests.chaos.all_parts import fetches_promotes_beats_and_cancels
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, UNMEASURED, Site, WorkerProcess

#: Whoever beats does not come back from a new connection, as long as there is a file "hang".
APPLICATION = f"""
import os, threading, time
import redis
from {JOBS} import *


class Tokens(redis.CredentialProvider):
    def get_credentials(self):
        while os.path.exists("hang") and threading.current_thread().name == "kiq-heartbeat":
            time.sleep(0.01)
        return ("default", "")


kiq.configure(redis=redis.Redis.from_url({{url!r}}, credential_provider=Tokens()))
"""
LEASE = 5  # the heartbeat counts as hanging after ten seconds


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path)
    yield alone
    alone.close()


def hanging(site: Site) -> WorkerProcess:
    """Start a worker, and let its heartbeat hang."""
    site.write("hangs.py", APPLICATION.format(url=site.url))
    worker = site.run("-r", "hangs", "-t", "2", REDIS_URL=None, KIQ_LEASE=str(LEASE), **UNMEASURED)
    worker.wait_until_ready()
    fetches_promotes_beats_and_cancels(site, worker)
    site.write("hang", "")
    site.store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    return worker


def unleased(site: Site) -> bool:
    """Whether no owner has beaten within its lease."""
    records: Any = site.store.keys("kiq:owner:*")
    beats: list[Any] = [site.store.hget(record, "beat") for record in records]
    return bool(beats) and all(beat is None or wall() - float(beat) > LEASE for beat in beats)


def goes_on(site: Site) -> None:
    """Let new connections succeed from now on."""
    (site.folder / "hang").unlink()


def test_another_thread_takes_its_place_and_what_waited_for_the_lease_runs(site: Site) -> None:
    worker = hanging(site)
    eventually(lambda: unleased(site), 3 * LEASE, message="its leases run out")
    site.push("Note", "waited")
    worker.says("the heartbeat has hung for 10 s: another thread takes its place", timeout=20)
    worker.says("in get_credentials")
    assert "waited" not in site.notes, "nothing starts without a lease"
    goes_on(site)
    site.noted("waited", timeout=15)
    fetches_promotes_beats_and_cancels(site, worker)
    assert "declared dead" not in worker.log
    assert worker.log.count("has hung for") == 1
    assert worker.stop() == 0
    assert not site.store.keys("kiq:owner*")
    assert site.store.scard("processes") == 0


def test_a_process_of_which_every_thread_hangs_that_is_to_beat_ends_and_another_does_its_work(
    site: Site,
) -> None:
    worker = hanging(site)
    eventually(lambda: unleased(site), 3 * LEASE, message="its leases run out")
    for number in range(20):
        site.push("Note", f"waited {number}")
    assert worker.wait(90) == 70, worker.log
    assert worker.log.count("has hung for") == 2
    worker.says("a thread that kiq needs can't be had", "Start it again")
    goes_on(site)
    site.run("-r", "hangs", REDIS_URL=None, KIQ_LEASE=str(LEASE)).wait_until_ready()
    site.noted(*(f"waited {number}" for number in range(20)), timeout=30)
    assert len([note for note in site.notes if note.startswith("waited")]) == 20


def test_a_process_whose_heartbeat_hangs_stops_in_order(site: Site) -> None:
    worker = hanging(site)
    eventually(lambda: unleased(site), 3 * LEASE, message="its leases run out")
    site.push("Note", "waited")
    assert worker.stop() == 0
    assert site.count("queue:default") == 1
    assert not site.store.keys("kiq:inflight:*")
