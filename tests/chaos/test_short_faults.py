"""Faults that are over in seconds: each finds a mutant of kiq that nothing else finds, or not so soon.

They end as the chaos tests do, with the whole invariant; tests/mutants says which change each is for.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kiq import keys
from kiq.client import Client
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreUnavailable
from kiq.store import owners, scripts
from kiq.store.connection import Connector
from tests.chaos.arena import THREADS, Arena
from tests.helpers.depot import Depot, has_lease, missed, numbered, open_link, waiting
from tests.helpers.proxy import MOMENTS, FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess


@pytest.fixture
def arena(private_server: Callable[..., TestServer], tmp_path: Path) -> Iterator[Arena]:
    """An arena on a server of its own."""
    place = Arena(private_server(), tmp_path)
    yield place
    place.close()


def check(arena: Arena, fenced: bool = False) -> None:
    """Check the whole invariant, of jobs that take no more than a few seconds.

    Unless a worker was *fenced* by the test, none may say that a job was not its own any more: that
    would be a repeat, and no excuse for one.
    """
    arena.await_all(6)
    arena.await_rest(4)
    arena.verify(1)
    if not fenced:
        logs = [line for worker in arena.workers for line in worker.lines]
        assert not [line for line in logs if "this process was declared dead" in line]


def owner_of(arena: Arena, worker: WorkerProcess) -> str:
    """The name under which *worker* takes jobs."""

    def found() -> str:
        names = [name.decode() for name in arena.store.smembers(keys.OWNERS)]  # type: ignore[union-attr]
        return "".join(n for n in names if f":{worker.pid}:" in n and n.endswith(":default"))

    return eventually(found, message="it is registered")


def begun(arena: Arena, worker: WorkerProcess) -> list[str]:
    """The jobs that have begun in *worker*, in order."""
    pid = str(worker.pid)
    return [jid for word, jid, where in arena.journal.lines() if (word, where) == ("S", pid)]


def test_without_a_fault_every_job_runs_once_and_is_counted(arena: Arena) -> None:
    arena.start()
    arena.push_many(8_000)
    arena.push_many(300, "FailsOnce")
    check(arena)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_few_cuts_in_the_flow_strand_and_repeat_nothing(
    arena: Arena, proxy: FaultProxy, moment: Moment
) -> None:
    arena.start(url=proxy.url)
    arena.push_many(3_000, "Takes", 0.005)
    for number in range(1, 13):
        # In the flow: the first words of a connection are about nothing that could be lost.
        arena.await_ended(200 * number)
        proxy.cut_next(moment)
        eventually(lambda n=number: proxy.cuts >= n, message=f"cut {number}")
    check(arena)


def test_replies_that_are_long_on_their_way_repeat_nothing(arena: Arena, proxy: FaultProxy) -> None:
    arena.start(url=proxy.url)
    arena.push_many(4_000, "Takes", 0.005)
    for number in range(1, 6):
        arena.await_ended(400 * number)
        proxy.swallow(True, "from the server", of=scripts.fetch.sha.encode())
        since = time.monotonic()
        eventually(lambda t=since: time.monotonic() - t > 0.3, message="the courier waits")
        proxy.swallow(False)
    check(arena)


def test_a_kill_before_retries_are_written_loses_none(arena: Arena) -> None:
    arena.push_many(200, "FailsOnce")
    doomed = arena.start(crash="courier-before-delay", wait=False)
    assert doomed.wait(20) == -signal.SIGKILL, doomed.log
    arena.start()
    check(arena)


def test_jobs_that_are_handed_back_run_once(arena: Arena) -> None:
    arena.push_many(3_000)  # short ones, so that many are fetched at a time
    arena.push_many(30, "Takes", 0.15)
    arena.start(concurrency=2)
    check(arena)


def test_a_quiet_process_gives_back_at_once_what_it_has_not_begun(arena: Arena) -> None:
    arena.push_many(3_000)
    arena.push_many(40, "Takes", 1.0)
    quiet = arena.start(concurrency=2, wait=False)
    eventually(lambda: len(begun(arena, quiet)) > 3_000, 20, interval=0.001, message="a long one")
    quiet.signal(signal.SIGTSTP)
    eventually(lambda: arena.store.llen("queue:default") >= 38, 2, message="they go back")
    assert quiet.stop() == 0
    arena.start(concurrency=40)
    check(arena)


def test_the_jobs_of_a_killed_process_run_again_beside_one_another(arena: Arena) -> None:
    arena.push_many(8, "Takes", 1.0)
    doomed = arena.start()
    eventually(lambda: len(begun(arena, doomed)) == 8, message="all run")
    arena.kill(doomed)
    heir = arena.start()
    eventually(lambda: len(begun(arena, heir)) == 8, message="all run again")
    ended = [jid for word, jid, pid in arena.journal.lines() if (word, pid) == ("X", str(heir.pid))]
    assert not ended, "they waited for one another"
    check(arena)


def freeze_with_jobs_in_hand(arena: Arena, worker: WorkerProcess) -> None:
    """Stop *worker* when all its threads are amid jobs, and more wait in its buffer.

    A thread between two jobs may have asked already whether the next may start.
    """

    def caught() -> bool:
        worker.stop_where_it_is()
        started = set(begun(arena, worker))
        running = started - arena.journal.ended()
        if len(running) == THREADS and len(arena._in_flight(worker.pid) - started) >= 5:
            return True
        worker.signal(signal.SIGCONT)
        return False

    eventually(caught, 20, interval=0.01, message="all threads run, and jobs wait")


def test_a_process_that_slept_through_its_lease_starts_nothing_that_it_lost(arena: Arena) -> None:
    sleeper = arena.start(lease=5)
    owner = owner_of(arena, sleeper)
    arena.push_many(1_500, "Takes", 0.02)
    arena.await_ended(100)
    freeze_with_jobs_in_hand(arena, sleeper)
    before = set(begun(arena, sleeper))
    link = open_link(arena.server.url)
    eventually(lambda: not has_lease(link, owner), 8, message="its lease runs out")
    note = missed(arena.store, owner)
    gone = owners.reclaim(link, owner, proven=False, crashed=False, note=note)
    assert gone is not None
    assert gone.moved
    arena.server.pause()  # so that only its own clock can tell it
    sleeper.signal(signal.SIGCONT)
    since = time.monotonic()
    eventually(lambda: time.monotonic() - since > 0.3, message="it is awake")
    arena.server.resume()
    check(arena, fenced=True)
    starts = arena.journal.counts("S")
    assert not [jid for jid, count in starts.items() if count > 1 and jid not in before]


def test_a_process_works_on_after_its_first_lease(arena: Arena) -> None:
    worker = arena.start(lease=5)
    ready = time.monotonic()
    owner = owner_of(arena, worker)
    eventually(lambda: time.monotonic() - ready > 5.2, 6, message="a lease has passed")
    assert owner_of(arena, worker) == owner
    arena.push_many(20)
    check(arena)


def test_a_live_process_whose_lock_file_was_removed_is_left_alone(arena: Arena) -> None:
    arena.start()
    arena.start()
    for file in (arena.folder / "run").iterdir():
        file.unlink()
    arena.push_many(100, "Takes", 0.5)  # longer than two looks at the locks
    check(arena)
    assert not [worker for worker in arena.workers if "declared dead" in worker.log]


def test_a_verdict_that_comes_before_its_job_is_given_back_saves_the_repeat(arena: Arena) -> None:
    worker = arena.start()
    arena.push("Takes", 1.5)
    eventually(lambda: begun(arena, worker))
    owner, link = owner_of(arena, worker), open_link(arena.server.url)
    link.call(scripts.lapse((keys.record(owner), keys.lapsed(owner)), ("1",)))
    worker.says("this process was declared dead")
    eventually(
        lambda: not arena.store.exists(keys.inflight("queue:default", owner)),
        message="its verdict is taken all the same",
    )
    again = owners.reclaim(link, owner, proven=True, crashed=True)
    assert again is not None
    assert again.moved == 0
    check(arena, fenced=True)


def test_a_job_in_flight_that_its_owner_does_not_know_is_found_by_the_count(arena: Arena) -> None:
    worker = arena.start()
    arena.push("Quick", queue="aside")
    raw = arena.store.rpop("queue:aside")
    arena.store.hset(keys.inflight("queue:default", owner_of(arena, worker)), "999999.1", raw)  # type: ignore[arg-type]
    check(arena)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_commit_that_is_cut_off_leaves_each_claim_in_one_place(
    private_server: Callable[..., TestServer], moment: Moment
) -> None:
    server = private_server()
    raw = server.client()
    raw.zadd(keys.RETRY, dict.fromkeys(numbered(3), 1.0))
    with FaultProxy(server.port) as proxy:
        poller = Depot(proxy.url, "poller", keys.RETRY)
        claimed = poller.claim(keys.RETRY)
        proxy.cut_next(moment)
        with pytest.raises(StoreUnavailable):
            poller.commit(
                keys.RETRY, *((f"1.{n}", "a", job) for n, job in enumerate(claimed.raws, start=1))
            )
        eventually(lambda: not raw.client_list(_type="normal")[1:], message="it has hung up")
        poller.die(open_link(server.url))
    assert sorted([*waiting(raw), *raw.zrange(keys.RETRY, 0, -1)]) == numbered(3)


@pytest.mark.parametrize("moment", ["after the request", "in the reply"])
def test_a_push_whose_reply_is_lost_is_not_sent_again(
    private_server: Callable[..., TestServer], moment: Moment
) -> None:
    server = private_server()
    with FaultProxy(server.port) as proxy:
        client = Client(RedisSettings(url=proxy.url))
        client.push({"class": "app.Work", "args": [1]})
        proxy.cut_next(moment)
        with pytest.raises(StoreUnavailable):
            client.push({"class": "app.Work", "args": [2]})
        client.push({"class": "app.Work", "args": [3]})
    raw = server.client()
    eventually(lambda: raw.llen("queue:default") >= 3, message="the server does what it was sent")
    assert raw.llen("queue:default") == 3


def test_a_client_that_would_connect_again_and_again_connects_once() -> None:
    eager = redis.Redis(port=1, retry=Retry(NoBackoff(), 3))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        eager.connection_pool.connection_kwargs["port"] = listener.getsockname()[1]
        callers = []

        def hang_up() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return  # closed: the test is over
                callers.append(caller)
                caller.close()

        door = threading.Thread(target=hang_up)
        door.start()
        with pytest.raises(StoreUnavailable):
            Connector(eager).open().connect()
        listener.shutdown(socket.SHUT_RDWR)
        door.join(5)
    assert len(callers) == 1
