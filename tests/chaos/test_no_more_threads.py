"""A process that can have no more threads goes on with those that it has, and stops in order."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiq.clock import wall
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, UNMEASURED, Site, WorkerProcess

APPLICATION = f"""
import resource, threading, time
from {JOBS} import *

kiq.host.on("shutdown")(lambda: note("shutdown"))
kiq.host.on("exit")(lambda: note("exit"))


@kiq.job(name="Starves")
def starves():
    '''Leave room for small things, but for no thread's stack.'''
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2_000_000,) * 2)
    try:
        threading.Thread(target=time.sleep).start()
        threading.Thread(target=time.sleep).start()
        note("there is room")
    except RuntimeError as error:
        note(str(error))

"""


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path)
    yield alone
    alone.close()


def starving(site: Site, *flags: str) -> WorkerProcess:
    site.write("starves.py", APPLICATION)
    worker = site.run("-r", "starves", *flags, **UNMEASURED).wait_until_ready()
    site.push("Hold", "a")
    site.noted("begin a")
    site.client.push({"class": "Starves", "args": []})
    site.noted("can't start new thread")
    return worker


def test_a_stop_needs_no_new_thread(site: Site) -> None:
    worker = starving(site)
    site.push("Note", "still at work", at=wall() + 0.2)
    site.noted("still at work")
    worker.signal(signal.SIGTERM)
    site.noted("shutdown")
    site.release("a")
    assert worker.wait(10) == 0
    assert [note for note in site.notes if note in ("end a", "exit")] == ["end a", "exit"]
    assert not site.store.keys("kiq:owner*")


def test_the_deadline_needs_none_either(site: Site) -> None:
    worker = starving(site, "-t", "1")
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 1 + 5
    eventually(lambda: site.count("queue:default") == 1, message="what ran is back in its queue")
    worker.says("1 jobs did not finish in 1")


def test_one_that_can_not_be_started_ends_the_start(site: Site) -> None:
    site.write(
        "none.py",
        f"import resource\nfrom {JOBS} import *\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 20_000_000,) * 2)\n",
    )
    worker = site.run("-r", "none", "-c", "50", **UNMEASURED)
    assert worker.wait() == 70
    worker.says("can't start new thread")
    assert not site.store.keys("kiq:owner*")
