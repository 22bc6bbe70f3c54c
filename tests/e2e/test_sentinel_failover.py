"""A real failover under load: what WAIT confirmed is not lost, nor does the old master harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

import kiq
from kiq.client import Client
from kiq.config import Redis
from tests.chaos.long_form import LONG
from tests.helpers.sentinel import client_of, sentinel
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

pytestmark = pytest.mark.bare_names

_SETTINGS = (
    "sentinel down-after-milliseconds jobs 500",
    "sentinel failover-timeout jobs 3000",
)


class Load:
    """Pushes until it is told to end; knows which jobs two replicas have confirmed."""

    def __init__(self, url: str, asked: int) -> None:
        self._client = Client(Redis(url=url))
        self._sentinel = client_of(asked)
        self._end = threading.Event()
        self.confirmed: list[str] = []
        self.pushed_at: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join(30)
        for each in self._sentinel.sentinels:
            each.close()

    def _run(self) -> None:
        number = 0
        while not self._end.is_set():
            names = []
            for _ in range(20):
                number += 1
                try:
                    self._client.push({"class": f"{JOBS}.Note", "args": [str(number)]})
                except kiq.StoreError:
                    self._end.wait(0.02)
                    continue
                names.append(str(number))
                self.pushed_at[str(number)] = time.monotonic()
            if names and self._reached_two():
                self.confirmed += names

    def _reached_two(self) -> bool:
        """Write once more, behind the pushes, and wait until two replicas have all that."""
        try:
            host, port = self._sentinel.discover_master("jobs")
            with redis.Redis(host=host, port=port, socket_timeout=2) as master:
                connection = master.connection_pool.get_connection()
                try:
                    for words in (("SET", "barrier", "1"), ("WAIT", "2", "300")):
                        connection.send_command(*words)
                        reply = connection.read_response()
                finally:
                    master.connection_pool.release(connection)
            return bool(reply == 2)
        except redis.RedisError:
            return False


@pytest.fixture
def servers(private_server: Callable[..., TestServer]) -> list[TestServer]:
    """A master and two replicas that have its data."""
    master = private_server(aof="everysec")
    follows = ("--replicaof", "127.0.0.1", str(master.port))
    replicas = [private_server(*follows, aof="everysec") for _ in range(2)]
    for each in replicas:
        client = each.client()
        eventually(lambda c=client: c.info("replication")["master_link_status"] == "up", 20)  # type: ignore[misc]
    return [master, *replicas]


@pytest.fixture
def ports(servers: list[TestServer], tmp_path: Path) -> Iterator[list[int]]:
    """Three Sentinels that know of each other and of the replicas."""
    with ExitStack() as opened:
        found = [
            opened.enter_context(sentinel(servers[0], tmp_path / f"s{at}", *_SETTINGS, quorum=2))
            for at in range(3)
        ]
        for port in found:
            with redis.Redis(port=port, decode_responses=True) as asked:

                def known(asked: redis.Redis = asked) -> bool:
                    state = asked.sentinel_master("jobs")
                    return bool(state["num-other-sentinels"] == 2 and state["num-slaves"] == 2)

                eventually(known, 30, message="Sentinels know each other")
        yield found


def test_a_failover_under_load_loses_nothing_that_was_confirmed(
    site: Site, servers: list[TestServer], ports: list[int]
) -> None:
    url = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in ports)}/jobs/0"
    worker = site.start(REDIS_URL=url, JOBS_REDIS_URL=site.url)
    load = Load(url, ports[0])
    try:
        eventually(lambda: len(load.confirmed) > 400, 30, message="jobs are confirmed")
        servers[0].kill()
        killed = time.monotonic()

        def runs_again() -> bool:
            done = set(site.notes[-200:])
            return any(at > killed and number in done for number, at in load.pushed_at.items())

        eventually(runs_again, 40, message="jobs that were pushed after the failover run")
        print(f"from the kill to the first job behind it: {time.monotonic() - killed:.2f} s")
        servers[0].restart()  # as a master, until Sentinel makes it a replica
        if LONG:
            before = len(load.confirmed)
            eventually(lambda: len(load.confirmed) > before + 200, 40, message="it follows again")
            assert servers[0].client().info("replication")["role"] == "slave"
        else:
            before = len(load.pushed_at)
            eventually(lambda: len(load.pushed_at) > before + 500, 40, message="it goes on")
    finally:
        load.end()
    eventually(
        lambda: set(load.confirmed) <= set(site.notes), 30, message="confirmed jobs have run"
    )
    assert "Traceback" not in worker.log
    assert worker.stop() == 0
