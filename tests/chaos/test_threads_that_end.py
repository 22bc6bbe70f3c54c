"""A thread of kiq's that ends unasked is named and replaced; where it can't be, the process ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.all_parts import fetches_promotes_beats_and_cancels
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, UNMEASURED, Site, WorkerProcess

#: Raises in one of kiq's threads until that has ended, as nothing in kiq would.
APPLICATION = f"""
import ctypes, logging, os, signal, threading, time
from {JOBS} import *

before = threading.Thread.start


class End(BaseException):
    def __repr__(self):
        raise SystemExit


@kiq.job(name="Ends")
def ends(name, forever=False):
    if forever:
        threading.Thread.start = refuse
    kind = kiq.Shutdown if name.startswith("kiq-default-") else End
    (thread,) = [one for one in threading.enumerate() if one.name == name]
    until = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(kind))
        # It arrives when the thread has something to do.
        if name == "kiq-control":
            os.kill(os.getpid(), signal.SIGTTIN)
        logging.getLogger("kiq").info("a line")
        time.sleep(0.05)
    note(f"{{name}} alive: {{thread.is_alive()}}")


def refuse(thread):
    if thread.name.startswith("kiq-"):
        raise RuntimeError("can't start new thread")
    before(thread)
"""
OWN = [
    "kiq-control",
    "kiq-courier-default",
    "kiq-handlers-1",
    "kiq-heartbeat",
    "kiq-job-log",
    "kiq-log",
    "kiq-poller",
    "kiq-promotions",
    "kiq-reclaimer",
    "kiq-cancelling",
]


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path)
    yield alone
    alone.close()


def worker_of(site: Site, *flags: str) -> WorkerProcess:
    site.write("ends.py", APPLICATION)
    return site.run("-r", "ends", *flags, KIQ_LEASE="5", **UNMEASURED).wait_until_ready()


def end(site: Site, name: str, *more: bool) -> None:
    site.client.push({"class": "Ends", "args": [name, *more]})
    eventually(lambda: any(note.startswith(name) for note in site.notes), 30)
    assert f"{name} alive: False" in site.notes


@pytest.mark.parametrize("name", OWN)
def test_one_of_kiqs_own_is_replaced(site: Site, name: str) -> None:
    worker = worker_of(site)
    end(site, name)
    worker.says(f"thread {name} has ended unasked: another takes its place", timeout=15)
    # Whatever it did is done; signals are heard, too.
    fetches_promotes_beats_and_cancels(site, worker)
    site.store.lpush(f"{worker.identity}-signals", "TSTP")
    worker.says("quiet: ", timeout=10)
    worker.signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    worker.says("bye")
    assert not site.store.keys("kiq:owner*")


def test_one_that_runs_jobs_is_replaced(site: Site) -> None:
    worker = worker_of(site, "-c", "2")
    name = "kiq-default-1"
    site.client.push({"class": "Ends", "args": [name]})

    def has_ended() -> bool:
        site.push("Note", "work for it")
        return any(note.startswith("kiq-default-") for note in site.notes)

    eventually(has_ended, 30, interval=0.05)
    worker.says("has ended unasked: another takes its place", timeout=15)
    for label in ("a", "b"):
        site.push("Hold", label)
    site.noted("begin a", "begin b")
    for label in ("a", "b"):
        site.release(label)
    site.noted("end a", "end b")
    assert worker.stop() == 0
    assert not site.store.keys("kiq:inflight:*")


def test_where_none_can_be_had_the_process_stops_in_order(site: Site) -> None:
    worker = worker_of(site)
    site.push("Hold", "a")
    site.noted("begin a")
    end(site, "kiq-poller", True)
    worker.says("no thread takes the place of kiq-poller: can't start new thread", timeout=15)
    worker.says("a thread that kiq needs can't be had: this process stops", timeout=20)
    site.release("a")
    assert worker.wait(10) == 70
    assert "end a" in site.notes
    assert not site.store.keys("kiq:inflight:*")
