"""``kiq.embed``: a worker on threads of a program that is something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

import kiq
from kiq import worker_state
from kiq.errors import BootError, ConfigError
from kiq.registry import Registry
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT

pytestmark = pytest.mark.needs("greenlet")  # other tests may have registered jobs that are async

#: A program that ends without having stopped its worker.
PROGRAM = """
import kiq, os, sys, threading, time

begun, forked = threading.Event(), threading.Event()

@kiq.job(name="Slow")
def slow():
    print("begins", flush=True)
    begun.set()
    forked.wait()
    time.sleep(0.1)
    print("ends", flush=True)

kiq.configure(redis=sys.argv[1])
worker = kiq.embed(timeout=20)
worker.start()
slow.perform_async()
begun.wait()
if sys.argv[2] == "fork":
    if os.fork() == 0:
        print("copy", worker.state, flush=True)
        with worker:
            print("copy", worker.state, flush=True)
        os._exit(0)
    os.wait()
forked.set()
"""


@pytest.fixture
def ran(kiq_client: kiq.Client, fresh_registry: Registry) -> list[str]:
    """What jobs have said; there are the jobs ``Say`` and ``Hold``."""
    said: list[str] = []

    @kiq.job(name="Say")
    def say(word: str) -> None:
        said.append(f"{word} on {threading.current_thread().name}")

    @kiq.job(name="Hold")
    def hold() -> None:
        said.append("held")
        while True:
            time.sleep(0.01)

    return said


def push(client: kiq.Client, name: str, *args: object) -> None:
    client.push({"class": name, "args": list(args)})


def test_a_worker_runs_jobs_within_its_block_and_none_behind_it(
    kiq_client: kiq.Client, ran: list[str]
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP)]
    with kiq.embed(tag="web") as worker:
        assert worker.running
        push(kiq_client, "Say", "hello")
        eventually(lambda: ran)
        during = [
            signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP)
        ]
        assert during == before
        threads = [each.name for each in threading.enumerate()]
        assert [name for name in threads if name.startswith("kiq-default-")] == [
            "kiq-default-1",
            "kiq-default-2",
        ]
    assert not worker.running
    push(kiq_client, "Say", "late")
    assert ran == [f"hello on {ran[0].split()[-1]}"]
    assert not worker_state.running


def test_it_starts_again_and_a_second_one_does_not(kiq_client: kiq.Client, ran: list[str]) -> None:
    with kiq.embed(concurrency=1) as worker:
        with pytest.raises(BootError, match="has a worker already"):
            worker.start()
        with pytest.raises(BootError, match="Stop that one first"):
            kiq.embed().start()
        assert worker.stop()
        assert worker.stop(), "harmless when repeated"
    push(kiq_client, "Say", "again")
    with worker:
        eventually(lambda: ran)


def test_a_job_that_does_not_end_in_time_goes_back(
    kiq_client: kiq.Client, ran: list[str], raw: redis.Redis
) -> None:
    with kiq.embed(queues={"default": 1}, timeout=20) as worker:
        push(kiq_client, "Hold")
        eventually(lambda: ran == ["held"])
        assert worker.stop(timeout=0.1)
    assert raw.llen("queue:default") == 1


def test_a_quiet_worker_takes_no_more(kiq_client: kiq.Client, ran: list[str]) -> None:
    with kiq.embed() as worker:
        worker.quiet()
        push(kiq_client, "Say", "waits")
    assert ran == []


def test_keywords_come_before_the_file_and_the_file_before_what_comes_by_itself(
    kiq_client: kiq.Client, ran: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "kiq.yml"
    file.write_text("concurrency: 5\nqueues: [high]\nprocesses: 4\n")
    (one,) = kiq.embed(file, queues=["low,3", "default"]).settings().capsules
    assert (one.concurrency, one.queues) == (5, (("low", 3), ("default", 1)))
    assert kiq.embed(concurrency=7).settings().capsules[0].concurrency == 7


@pytest.mark.usefixtures("kiq_client")
def test_mistakes_are_told_when_they_are_made(fresh_registry: Registry) -> None:
    fresh_registry._specs.clear()
    with pytest.raises(ConfigError, match="concurrency"):
        kiq.embed(concurrency=0)
    with pytest.raises(ConfigError, match="no job class"):
        kiq.embed().start()
    with pytest.raises(BootError, match="no_such_module"):
        kiq.embed(require="no_such_module").start()


def test_what_fails_at_startup_is_raised_and_leaves_no_worker(
    kiq_client: kiq.Client, ran: list[str]
) -> None:
    broken = [True]

    @kiq.host.on("startup")
    def begin() -> None:
        if broken:
            raise RuntimeError("no database")

    worker = kiq.embed()
    with pytest.raises(BootError, match="no database"):
        worker.start()
    broken.clear()
    with worker:
        push(kiq_client, "Say", "mended")
        eventually(lambda: ran)


def test_a_redis_that_is_away_holds_nobody_up(
    unconfigured: None, ran: list[str], private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    url = server.url
    server.stop()
    kiq.configure(redis=url)
    worker = kiq.embed()
    assert worker.start(wait=0.2) is False
    assert worker.state == "starting"
    assert worker.stop()


def test_what_goes_wrong_when_nobody_waits_any_more_is_in_the_log(
    unconfigured: None,
    ran: list[str],
    private_server: Callable[..., TestServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = private_server()
    url = server.url
    server.kill()

    @kiq.host.on("startup")
    def begin() -> None:
        raise RuntimeError("no database")

    kiq.configure(redis=url)
    worker = kiq.embed()
    assert worker.start(wait=0.1) is False
    server.restart()
    eventually(lambda: worker.state == "stopped", 20)
    assert "no database" in caplog.text


def test_a_stop_through_redis_ends_the_worker_and_not_the_program(
    kiq_client: kiq.Client, ran: list[str], raw: redis.Redis
) -> None:
    with kiq.embed() as worker:
        raw.lpush(f"{worker.identity}-signals", "TERM")
        eventually(lambda: worker.state == "stopped", 15)


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_at_the_end_of_the_program_jobs_have_their_time_and_a_copy_runs_nothing(
    redis_url: str, how: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py", redis_url, how],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "begins",
        *(["copy new", "copy running"] * (how == "fork")),
        "ends",
    ]
    assert "Bad file descriptor" not in done.stderr
    assert ("here none runs" in done.stderr) == (how == "fork")
