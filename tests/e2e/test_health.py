"""Health as probes and systemd hear it: while jobs are long, hold the interpreter, or Redis is away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq.health.address import Address
from kiq.health.asking import ask
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

HOLDS = """
import ctypes
import kiq
from tests.helpers.jobs import note

class Holds(kiq.Job):
    def perform(self, seconds):
        note("holds")
        ctypes.PyDLL(None).sleep(seconds)  # unlike CDLL, it lets no other thread run meanwhile
        note("let go")
"""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def address() -> Address:
    return Address("127.0.0.1", free_port())


def live(address: Address) -> tuple[bool, str]:
    return ask(address, "/live", 10)


def ready(address: Address) -> tuple[bool, str]:
    return ask(address, "/ready", 10)


def kiq_health(site: Site, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``kiq health``; return its exit code, and what it says."""
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    done = subprocess.run(
        [sys.executable, "-m", "kiq", "health", *arguments],
        cwd=site.folder,
        env=known,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_worker_is_live_and_ready_and_live_to_the_end_but_not_ready_when_it_stops(
    site: Site, address: Address, processes: str
) -> None:
    worker = site.start("-c", "2", "--processes", processes, "--health", str(address))
    does = "takes jobs" if processes == "0" else "2 of 2 children take jobs"
    eventually(lambda: ready(address) == (True, f"ready: {does}"), 10)
    assert live(address) == (True, f"live: {does}")
    for number in range(4):
        site.push("Hold", f"{number}")
    eventually(lambda: len(site.notes) >= (2 if processes == "0" else 4), 10)
    assert ready(address) == (True, f"ready: {does}"), (
        "all threads are busy: that is what they are for"
    )
    worker.signal(signal.SIGTSTP)
    eventually(lambda: ready(address) == (False, "not ready: quiet: no more jobs are taken"), 10)
    assert live(address)[0]
    worker.signal(signal.SIGTERM)
    eventually(lambda: ready(address) == (False, "not ready: stopping"), 10)
    assert live(address) == (True, "live: stopping")
    for number in range(4):
        site.release(f"{number}")
    assert worker.wait() == 0
    assert not live(address)[0]


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_worker_without_redis_is_live_and_not_ready(
    site: Site, address: Address, private_server: Callable[..., TestServer], processes: str
) -> None:
    redis = private_server()
    url = redis.url_of(0)
    worker = site.start("--processes", processes, KIQ_HEALTH=str(address), REDIS_URL=url)
    eventually(lambda: ready(address)[0], 10)
    redis.kill()
    eventually(lambda: ready(address) == (False, "not ready: Redis does not answer"), 30)
    assert live(address)[0]
    if processes == "0":
        second = Address("127.0.0.1", free_port())
        waiting = site.run("-r", JOBS, "--health", str(second), REDIS_URL=url)
        eventually(lambda: ready(second) == (False, "not ready: it waits for Redis"), 20)
        assert live(second)[0]
        waiting.stop()
    redis.restart()
    eventually(lambda: ready(address)[0], 30)
    worker.stop()


def test_a_job_that_holds_the_interpreter_holds_up_no_answer_of_a_parent(
    site: Site, address: Address
) -> None:
    site.write("extra.py", HOLDS)
    site.start("-r", "extra", "--processes", "1", "--health", str(address))
    site.client.push({"class": "extra.Holds", "args": [3]})
    site.noted("holds")
    took: list[float] = []
    until = time.monotonic() + 30
    while "let go" not in site.notes and time.monotonic() < until:
        began = time.monotonic()
        assert live(address)[0]
        took.append(time.monotonic() - began)
    assert "let go" in site.notes
    assert len(took) > 5, f"it was asked all the time; the longest took {max(took):.3f} s"


def test_a_port_that_is_taken_is_an_error_before_any_job_is_taken(site: Site) -> None:
    site.push("Note", "one")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        for processes in ("0", "1"):
            worker = site.run(
                "-r", "tests.helpers.jobs", "--processes", processes, KIQ_HEALTH=address
            )
            assert worker.wait() == 78
            worker.says(f"kiq: health: can't listen at {address}:", "another process has it")
    assert site.count("queue:default") == 1


def test_kiq_health_asks_the_configured_address(site: Site, address: Address) -> None:
    site.write("config/kiq.yml", f"require: [no.such.application]\nhealth: {address}\n")
    code, said = kiq_health(site)
    assert (code, said) == (1, f"nothing answers at {address}: Connection refused")
    path = f"{site.folder}/health.sock"
    site.write("other.yml", "concurrency: 2\n")
    site.start("-C", "other.yml", KIQ_HEALTH=path)
    assert kiq_health(site, KIQ_HEALTH=path) == (0, "live: takes jobs")
    assert kiq_health(site, path, "--ready") == (0, "ready: takes jobs")


class Systemd:
    """What listens where systemd does."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)
        self._heard: list[str] = []

    @property
    def heard(self) -> list[str]:
        """All that was said until now, in order."""
        try:
            while True:
                self._heard.append(self._socket.recv(4096).decode().partition("\n")[0])
        except BlockingIOError:
            return self._heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path)
    yield made
    made.close()


def watched(site: Site, systemd: Systemd, *arguments: str) -> WorkerProcess:
    site.write("extra.py", HOLDS)
    return site.run(
        *("-r", "extra", "-r", "tests.helpers.jobs", *arguments),
        NOTIFY_SOCKET=systemd.path,
        WATCHDOG_USEC="1000000",
    )


def test_systemd_hears_of_a_lone_worker(site: Site, systemd: Systemd) -> None:
    worker = watched(site, systemd)
    eventually(lambda: "READY=1" in systemd.heard, 20)
    worker.wait_until_ready()
    eventually(lambda: systemd.heard.count("WATCHDOG=1") > 2, 10)
    site.push("Hold", "one")
    site.noted("begin one")
    worker.signal(signal.SIGTERM)
    eventually(lambda: "STOPPING=1" in systemd.heard, 10)
    signs = systemd.heard.count("WATCHDOG=1")
    eventually(lambda: systemd.heard.count("WATCHDOG=1") > signs, 10, message="it lives to the end")
    site.release("one")
    assert worker.wait() == 0


def test_systemd_hears_of_a_parent_while_a_job_holds_the_interpreter_and_over_a_restart(
    site: Site, systemd: Systemd
) -> None:
    parent = watched(site, systemd, "--processes", "1")
    eventually(lambda: "READY=1" in systemd.heard, 20)
    eventually(lambda: "STATUS=1 of 1 child takes jobs" in systemd.heard, 20)
    site.client.push({"class": "extra.Holds", "args": [3]})
    site.noted("holds")
    signs = systemd.heard.count("WATCHDOG=1")
    eventually(lambda: "let go" in site.notes, 10)
    assert systemd.heard.count("WATCHDOG=1") > signs + 2
    parent.signal(signal.SIGUSR2)
    eventually(lambda: "RELOADING=1" in systemd.heard, 10)
    eventually(lambda: systemd.heard.count("READY=1") == 2, 30)
    signs = systemd.heard.count("WATCHDOG=1")
    eventually(lambda: systemd.heard.count("WATCHDOG=1") > signs, 10)
    assert parent.stop() == 0
    assert "STOPPING=1" in systemd.heard
