"""The push buffer against what networks and servers do: each job once, whatever is cut or killed."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

import kiq
from kiq.client import process_client
from kiq.config import Redis
from kiq.plugins.push_buffer import PushBuffer
from tests.helpers.proxy import MOMENTS, FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue, scheduled
from tests.helpers.waiting import eventually

MakeServer = Callable[..., TestServer]


class Work(kiq.Job, name="kept.Work"):
    def perform(self, number: int) -> None: ...


@pytest.fixture
def proxy(server: TestServer, kiq_client: kiq.Client) -> Iterator[FaultProxy]:
    """A proxy to the shared server, through which the producer pushes, with a buffer."""
    with FaultProxy(server.port) as between:
        kiq.configure(redis=Redis(url=between.url, socket_timeout=1), push_buffer=1000)
        yield between
        between.swallow(False)
        buffer = process_client().sender
        assert isinstance(buffer, PushBuffer)
        buffer.close()


def emptied() -> bool:
    """Whether nothing is kept any more by the client in use: its buffer's thread has ended."""
    buffer = process_client().sender
    assert isinstance(buffer, PushBuffer)
    return not buffer._trying


def jids(raw: redis.Redis) -> list[str]:
    return [job["jid"] for job in in_queue(raw)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_push_that_is_cut_is_there_once(
    proxy: FaultProxy, raw: redis.Redis, moment: Moment
) -> None:
    pushed = [Work.perform_async(0)]
    proxy.cut_next(moment)
    pushed += [Work.perform_async(1), Work.perform_async(2)]
    eventually(emptied)
    pushed.append(Work.perform_async(3))
    assert proxy.cuts == 1
    assert jids(raw) == pushed


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_bulk_that_is_cut_is_there_once_now_and_later(
    proxy: FaultProxy, raw: redis.Redis, moment: Moment
) -> None:
    Work.perform_async(0)
    proxy.cut_next(moment)
    Work.perform_bulk([(n,) for n in range(1, 50)])
    eventually(emptied)
    proxy.cut_next(moment)
    Work.perform_bulk([(n,) for n in range(50)], at=4_000_000_000)
    eventually(emptied)
    assert proxy.cuts == 2
    assert [job["args"] for job in in_queue(raw)] == [[n] for n in range(50)]
    assert sorted(job["args"][0] for _, job in scheduled(raw)) == list(range(50))


def test_a_bulk_over_several_queues_that_is_cut_is_in_each_once(
    proxy: FaultProxy, raw: redis.Redis
) -> None:
    @kiq.host.around_push
    def shard(context: kiq.ClientContext, call_next: object) -> dict[str, object]:
        context.payload["queue"] = f"q{context.payload['args'][0] % 3}"
        return context.payload

    for moment in MOMENTS:
        proxy.cut_next(moment)
        Work.perform_bulk([(n,) for n in range(9)])
        eventually(emptied)
    assert proxy.cuts == 3
    assert [len(in_queue(raw, f"q{n}")) for n in range(3)] == [9, 9, 9]


def test_two_hundred_pushes_under_twenty_five_cuts_are_there_once_and_in_order(
    proxy: FaultProxy, raw: redis.Redis
) -> None:
    dice = random.Random(25)
    cut_at = set(dice.sample(range(200), 25))
    pushed = []
    for number in range(200):
        if number in cut_at:
            eventually(emptied)  # a cut for each, and not two for one write
            proxy.cut_next(dice.choice(MOMENTS))
        pushed.append(Work.perform_async(number))
    eventually(emptied)
    assert proxy.cuts == 25
    assert jids(raw) == pushed


def test_a_request_that_arrives_after_it_was_sent_again_does_nothing(
    proxy: FaultProxy, raw: redis.Redis
) -> None:
    pushed = [Work.perform_async(0)]
    proxy.swallow(True)
    pushed.append(
        Work.perform_async(1)
    )  # its bytes wait in the proxy, for longer than the time-out
    began = time.monotonic()
    pushed += [Work.perform_async(n) for n in range(2, 10)]
    assert time.monotonic() - began < 0.9, "nobody waits while Redis is known to be away"
    eventually(lambda: time.monotonic() - began > 2, message="it is sent again, and again waits")
    proxy.swallow(False)
    eventually(emptied, 10)
    assert jids(raw) == pushed
    raw.ping()
    assert jids(raw) == pushed


def test_pushes_that_meet_the_return_of_redis_wait_for_those_that_are_older(
    private_server: MakeServer, kiq_client: kiq.Client
) -> None:
    server = private_server(aof="always")
    kiq.configure(redis=server.url, push_buffer=1_000_000)
    pushed = [Work.perform_async(0)]
    server.kill()
    pushed += [Work.perform_async(n) for n in range(1, 4000)]
    server.restart()
    while not emptied():
        pushed.append(Work.perform_async(len(pushed)))
    pushed.append(Work.perform_async(len(pushed)))
    assert jids(server.client()) == pushed


def test_four_threads_push_through_two_kills_and_every_jid_is_there_once(
    private_server: MakeServer, kiq_client: kiq.Client
) -> None:
    server = private_server(aof="always")
    kiq.configure(redis=server.url, push_buffer=1_000_000)
    stop = threading.Event()

    def push_on(thread: int) -> list[tuple[int, str | None]]:
        found: list[tuple[int, str | None]] = []
        while not stop.wait(0.0005):
            number = thread * 1_000_000 + len(found)
            found.append((number, Work.perform_async(number)))
        return found

    with ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(push_on, number) for number in range(4)]
        try:
            for _ in range(2):
                eventually(lambda: server.client().llen("queue:default") > 50, 10)
                server.kill()
                eventually(lambda: not emptied(), 10, message="something is kept")
                server.restart()
                eventually(emptied, 20, message="all that was kept has been pushed")
        finally:
            stop.set()
        returned = [each for thread in threads for each in thread.result()]
    eventually(emptied, 20)
    stored = in_queue(server.client())
    assert sorted(job["jid"] for job in stored) == sorted(str(jid) for _, jid in returned)
    for thread in range(4):
        its_own = [n for job in stored if (n := job["args"][0]) // 1_000_000 == thread]
        assert its_own == sorted(its_own)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script)]
        + list(arguments),
        capture_output=True,
        text=True,
        timeout=40,
    )


AT_EXIT = """
    import logging, sys
    import kiq
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    kiq.configure(redis=sys.argv[1], push_buffer=10)
    for number in range(3):
        print("jid", kiq.push({"class": "Kept", "args": [number]}))
"""


def test_a_program_that_ends_with_redis_away_logs_each_job_that_it_loses() -> None:
    done = run(AT_EXIT, "redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    made = [line.split()[1] for line in lines if line.startswith("jid")]
    assert [line for line in lines if line.startswith("ERROR")] == [
        f"ERROR lost, unless it reached Redis unseen: Kept jid={jid}" for jid in made
    ]
    assert len(made) == 3


def test_a_program_that_ends_in_a_black_hole_waits_for_two_seconds_and_logs(
    proxy: FaultProxy,
) -> None:
    proxy.swallow(True)
    began = time.monotonic()
    script = AT_EXIT.replace("sys.argv[1]", "kiq.config.Redis(url=sys.argv[1], socket_timeout=1)")
    done = run(script.replace("import kiq\n", "import kiq, kiq.config\n"), proxy.url)
    assert done.stdout.count("ERROR lost, unless it reached Redis unseen: Kept jid=") == 3, (
        done.stdout
    )
    assert time.monotonic() - began < 15


def test_a_program_that_ends_as_redis_comes_back_loses_nothing(
    proxy: FaultProxy, raw: redis.Redis
) -> None:
    script = AT_EXIT + "    input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), proxy.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        proxy.cut_next("after the request")
        seen = [process.stdout.readline() for _ in range(5)]
        rest = process.communicate("\n", timeout=30)[0]
    assert process.returncode == 0
    made = [line.split()[1] for line in "".join([*seen, rest]).splitlines() if line[:3] == "jid"]
    assert jids(raw) == made
    assert len(made) == 3


FORKED = """
    import os, sys
    import kiq

    kiq.configure(redis=sys.argv[1], push_buffer=10)
    os.environ.pop("KIQ_REDIS_URL", None)
    kiq.push({"class": "Kept", "args": ["parent"]})
    pid = os.fork()
    if not pid:
        buffer = kiq.client.process_client().sender
        assert not buffer._kept and not buffer._trying
        kiq.push({"class": "Kept", "args": ["child"]})
        assert len(buffer._kept) == 1
        sys.stdout.write("the child keeps its own\\n")
        sys.stdout.flush()
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_forked_child_keeps_its_own_jobs_and_not_the_parents() -> None:
    done = run(FORKED, "redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    assert "the child keeps its own" in done.stdout
    # Without a handler, errors go to stderr: one of the child's job, one of the parent's.
    assert done.stderr.count("lost, unless it reached Redis unseen: Kept jid=") == 2
