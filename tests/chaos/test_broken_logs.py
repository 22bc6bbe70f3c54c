"""Whatever logging does (raise, exit, run out of memory, hang, stand still), kiq goes on and stops."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq.clock import wall
from tests.chaos.all_parts import fetches_promotes_beats_and_cancels
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, KIQ, UNMEASURED, Site, WorkerProcess

#: An application whose log breaks while there is a file ``broken``.
APPLICATION = """
import logging, os, time
from {jobs} import *


def fail():
    if os.path.exists("broken"):
        {what}


class Breaking(logging.Handler):
    def emit(self, record):
        fail()
        print(record.getMessage(), flush=True)


class Misformatting(logging.Formatter):
    def format(self, record):
        fail()
        return record.getMessage()


def filtered(record):
    fail()
    return True


def made(*arguments, **more):
    fail()
    return logging.LogRecord(*arguments, **more)


ours = logging.getLogger("kiq").handlers[0]
{where}
"""
PLACES = {
    "a handler": "logging.getLogger('kiq').addHandler(Breaking())",
    "a filter": "ours.addFilter(filtered)",
    "a formatter": "ours.setFormatter(Misformatting())",
    "a record factory": "logging.setLogRecordFactory(made)",
    "instead of kiq's": "logging.getLogger('kiq').handlers[:] = [Breaking()]",
}
RAISED = ("OSError('the network is down')", "MemoryError()", "SystemExit(3)")
CASES = [(place, RAISED[0]) for place in PLACES] + [
    (place, error) for place in ("a handler", "a record factory") for error in RAISED[1:]
]


@pytest.fixture
def site(private_server: Callable[..., TestServer], tmp_path: Path) -> Iterator[Site]:
    """A folder, and a server that may be killed."""
    alone = Site(private_server(aof="everysec"), tmp_path)
    yield alone
    alone.close()


def worker_with(site: Site, where: str, what: str, *flags: str) -> WorkerProcess:
    site.write("logs.py", APPLICATION.format(jobs=JOBS, where=where, what=what))
    return site.run("-r", "logs", *flags, KIQ_LEASE="5", **UNMEASURED).wait_until_ready()


def does_everything(site: Site, worker: WorkerProcess) -> None:
    """Fetching, promoting, beating, reclaiming, cancelling and hearing signals all go on."""
    fetches_promotes_beats_and_cancels(site, worker)
    other = site.start(KIQ_LEASE="5")
    site.store.lpush(f"{other.identity}-signals", "TSTP")
    other.says("quiet: ", timeout=10)


@pytest.mark.parametrize(("place", "error"), CASES)
def test_what_raises_when_a_line_is_logged_ends_no_thread(
    site: Site, place: str, error: str
) -> None:
    worker = worker_with(site, PLACES[place], f"raise {error}")
    site.push("Stubborn", "a", 5)
    site.noted("begin a")
    site.write("broken", "")
    site.server.kill()
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 3, 5)
    site.server.restart()
    site.noted("end a", timeout=20)
    does_everything(site, worker)
    worker.signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert not [key for key in site.store.keys("kiq:owner:*") if str(worker.pid).encode() in key]


def test_what_raises_cuts_no_stop(site: Site) -> None:
    worker = worker_with(site, PLACES["a handler"], f"raise {RAISED[0]}", "-t", "10")
    site.push("Hold", "a")
    site.noted("begin a")
    site.write("broken", "")
    worker.signal(signal.SIGTERM)
    eventually(lambda: site.store.hget(worker.identity, "quiet") == b"true", 10)
    site.release("a")
    assert worker.wait(10) == 0
    assert site.notes == ["begin a", "end a"]


def test_what_hangs_when_a_line_is_logged_holds_up_neither_kiq_nor_a_stop(site: Site) -> None:
    where = PLACES["a handler"].replace("'kiq'", "'kiq.redis'")
    worker = worker_with(site, where, "time.sleep(120)", "-t", "1")
    site.write("broken", "")
    site.server.kill()
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 3, 5)
    site.server.restart()
    does_everything(site, worker)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 1 + 5


# A reader that has stopped


class Stopped:
    """The log of a worker as a pipe that nobody reads, and that is full."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, 4096)

    def fill(self) -> None:
        """Fill it up."""
        end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            for piece in (b"x" * 512, b"x"):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        os.write(end, piece)
        finally:
            os.close(end)

    def read(self) -> str:
        """Take what is in it."""
        found = b""
        try:
            while piece := os.read(self._end, 65536):
                found += piece
        except BlockingIOError:
            pass
        return found.decode(errors="replace")

    def close(self) -> None:
        os.close(self._end)


@pytest.fixture
def pipe(site: Site) -> Iterator[Stopped]:
    made = Stopped(site.folder / "pipe")
    yield made
    made.close()


def worker_on(site: Site, pipe: Stopped, *flags: str, **variables: str | None) -> WorkerProcess:
    shell = ("sh", "-c", f'exec "$0" "$@" >{pipe.path} 2>&1', *KIQ)
    worker = site.run("-r", JOBS, *flags, command=shell, KIQ_LEASE="5", **UNMEASURED, **variables)
    said = [""]

    def is_ready() -> bool:
        said[0] += pipe.read()
        return "ready; stop it" in said[0]

    eventually(is_ready, 20, message="it is ready")
    return worker


def test_a_full_pipe_does_not_keep_an_idle_worker_from_stopping(site: Site, pipe: Stopped) -> None:
    worker = worker_on(site, pipe)
    pipe.fill()
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 5, "long before the deadline"
    assert not site.store.keys("kiq:owner*")
    assert site.store.scard("processes") == 0


def test_a_full_pipe_does_not_keep_a_busy_worker_from_stopping_by_its_deadline(
    site: Site, pipe: Stopped
) -> None:
    worker = worker_on(site, pipe, "-t", "1", "-c", "3")
    site.push("Hold", "a")
    site.noted("begin a")
    pipe.fill()
    for _ in range(2):
        site.push("Talks", "it logs, and stands there")
    eventually(lambda: site.count("queue:default") == 0)
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 1 + 5
    assert site.count("queue:default") == 3, "what did not end is back in its queue"
    assert not site.store.keys("kiq:inflight:*")


def test_three_orders_end_a_worker_on_a_full_pipe(site: Site, pipe: Stopped) -> None:
    worker = worker_on(site, pipe, "-t", "60")
    site.push("Hold", "a")
    site.noted("begin a")
    pipe.fill()
    site.server.pause()  # so that the second order takes time
    worker.signal(signal.SIGTERM)
    worker.signal_again(signal.SIGTERM)
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(3) == 128 + signal.SIGTERM
    site.server.resume()


def test_a_full_pipe_holds_up_no_job_that_logs_nothing(site: Site, pipe: Stopped) -> None:
    worker = worker_on(site, pipe, KIQ_SKIP_DEFAULT_JOB_LOGGING="true")
    pipe.fill()
    site.server.kill()  # which kiq's own threads will say
    site.server.restart()
    for number in range(20):
        site.push("Note", f"{number}")
    site.noted(*(f"{number}" for number in range(20)), timeout=20)
    site.push("Note", "promoted", at=wall() + 0.2)
    site.noted("promoted", timeout=20)
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0


def test_during_the_import_a_full_pipe_keeps_nobody_from_stopping_it(
    site: Site, pipe: Stopped
) -> None:
    site.write(
        "chatty.py", "open('at it', 'w').close()\nwhile True: print('importing', flush=True)\n"
    )
    shell = ("sh", "-c", f'exec "$0" "$@" >{pipe.path} 2>&1', *KIQ)
    worker = site.run("-r", "chatty", command=shell, **UNMEASURED)
    eventually((site.folder / "at it").exists, 20)
    pipe.fill()
    worker.signal(signal.SIGTERM)
    assert worker.wait(5) == 0
