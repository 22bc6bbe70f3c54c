"""A replica takes over: the old master refuses writes, and the new one has all that it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kiq.client import Client
from kiq.clock import wall
from kiq.config import Redis as RedisSettings
from tests.chaos.arena import Arena
from tests.chaos.crew import WORKERS, all_work_again, assert_quiet, crew, lasts
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

#: A full copy at once, and not in five seconds.
AT_ONCE = ("--repl-diskless-sync-delay", "0")


@pytest.fixture
def second(arena: Arena, private_server: Callable[..., TestServer]) -> TestServer:
    """A replica of the arena's server."""
    server = private_server(*AT_ONCE, aof="everysec")
    arena.store.config_set("repl-diskless-sync-delay", 0)
    _follow(server, arena.server)
    return server


@pytest.fixture
def proxy(arena: Arena) -> Iterator[FaultProxy]:
    """A proxy in front of whichever server is the master."""
    with FaultProxy(arena.server.port) as between:
        yield between
        for worker in arena.workers:
            worker.end()


def _follow(replica: TestServer, master: TestServer) -> None:
    client = replica.client()
    client.replicaof("127.0.0.1", master.port)  # type: ignore[no-untyped-call]
    eventually(
        lambda: client.info("replication")["master_link_status"] == "up", 15, message="it follows"
    )


def _take_over(replica: TestServer, master: TestServer) -> None:
    """Make *replica*, once it has everything, the master, and *master* its replica."""
    old, new = master.client(), replica.client()
    old.execute_command("CLIENT", "PAUSE", "5000", "WRITE")
    offset = old.info("replication")["master_repl_offset"]
    eventually(
        lambda: new.info("replication")["slave_repl_offset"] >= offset, message="it has caught up"
    )
    new.execute_command("REPLICAOF", "NO", "ONE")
    _follow(master, replica)
    old.execute_command("CLIENT", "UNPAUSE")


def _move(arena: Arena, server: TestServer) -> None:
    """From here on the arena pushes to another server, and looks there."""
    arena.server, arena.store = server, server.client()
    arena._client = Client(RedisSettings(url=server.url))


def _get_going(arena: Arena) -> None:
    arena.push_many(60, "FailsOnce")
    arena.push_many(800, "Takes", 0.004)
    arena.push_many(100, at=wall() + 0.7)
    arena.await_ended(200)


@WORKERS
def test_workers_go_to_the_new_master_where_the_address_leads_there(
    arena: Arena, second: TestServer, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers, url=proxy.url)
    _get_going(arena)
    first = arena.server
    _take_over(second, first)
    proxy.lead_to(second.port)  # connections that exist stay with the old master
    _move(arena, second)
    all_work_again(arena)
    arena.verify(30)
    assert any("read only replica" in worker.log for worker in arena.workers)
    assert_quiet(arena)


@WORKERS
def test_workers_that_stay_with_the_old_master_go_on_when_it_is_one_again(
    arena: Arena, second: TestServer, workers: int
) -> None:
    crew(arena, workers)
    _get_going(arena)
    first = arena.server
    _take_over(second, first)
    lasts(1.5)
    _take_over(first, second)
    all_work_again(arena)
    arena.verify(30)
    assert any("read only replica" in worker.log for worker in arena.workers)
    assert_quiet(arena)


@WORKERS
def test_a_master_that_dies_is_replaced_by_its_replica(
    arena: Arena, second: TestServer, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers, url=proxy.url)
    _get_going(arena)
    arena.store.execute_command("CLIENT", "PAUSE", "5000", "WRITE")
    offset = arena.store.info("replication")["master_repl_offset"]
    replica = second.client()
    eventually(lambda: replica.info("replication")["slave_repl_offset"] >= offset)
    arena.server.kill()
    lasts(0.5)
    replica.execute_command("REPLICAOF", "NO", "ONE")
    proxy.lead_to(second.port)
    _move(arena, second)
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)
