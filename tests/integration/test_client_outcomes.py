"""What an error of a push says of the jobs: nothing was pushed, or nobody knows. Each way it breaks."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

import kiq
from kiq.config import Redis
from kiq.errors import BulkPushError, StoreDenied, StoreError, StoreFull, StoreUnavailable
from tests.helpers.proxy import MOMENTS, FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually

MakeServer = Callable[..., TestServer]
Push = Callable[[], object]


class Work(kiq.Job, name="outcomes.Work"):
    def perform(self, number: int) -> None: ...


PUSHES: dict[str, Push] = {
    "perform_async": lambda: Work.perform_async(1),
    "perform_in": lambda: Work.perform_in(60, 1),
    "kiq.push": lambda: kiq.push({"class": "outcomes.Ruby", "args": [1]}),
    "perform_bulk": lambda: Work.perform_bulk([(1,), (2,), (3,)]),
}


@pytest.fixture(params=PUSHES)
def push(request: pytest.FixtureRequest, kiq_client: kiq.Client) -> Push:
    return PUSHES[request.param]


@pytest.fixture
def proxy(server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as between:
        yield between


def broken(push: Push, kind: type[StoreError], *, maybe_done: bool) -> StoreError:
    """Push, and return the error, once it has said all that it must."""
    with pytest.raises(StoreError) as raised:
        push()
    error = raised.value
    assert type(error) is kind
    assert error.maybe_done is maybe_done
    count = 3 if push is PUSHES["perform_bulk"] else 1
    assert len(set(error.jids)) == count
    assert (f"jid {error.jids[0]}" if count == 1 else "3 jobs, see .jids") in str(error)
    assert ("nothing was pushed" in str(error)) is not maybe_done
    assert ("may or may not have been pushed; if you push it again" in str(error)) is maybe_done
    return error


def everything(raw: redis.Redis) -> int:
    """How many jobs there are, now or later."""
    now: Any = raw.llen("queue:default")
    later: Any = raw.zcard("schedule")
    return int(now) + int(later)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://nobody.invalid:6379/0"])
def test_a_redis_that_is_not_there_got_nothing(push: Push, url: str) -> None:
    kiq.configure(redis=url)
    broken(push, StoreUnavailable, maybe_done=False)


def test_a_redis_that_answers_no_connection_got_nothing(
    push: Push, proxy: FaultProxy, raw: redis.Redis
) -> None:
    kiq.configure(redis=Redis(url=proxy.url, socket_timeout=0.3, connect_timeout=0.3))
    proxy.swallow(True)
    broken(push, StoreUnavailable, maybe_done=False)
    proxy.swallow(False)
    raw.ping()
    assert everything(raw) == 0


def test_nobody_knows_of_a_push_that_timed_out(
    push: Push, proxy: FaultProxy, raw: redis.Redis
) -> None:
    kiq.configure(redis=Redis(url=proxy.url, socket_timeout=0.3))
    push()
    before = everything(raw)
    proxy.swallow(True)
    broken(push, StoreUnavailable, maybe_done=True)
    assert everything(raw) == before


@pytest.mark.parametrize("moment", MOMENTS)
def test_nobody_knows_of_a_push_that_was_cut_and_it_is_never_sent_twice(
    push: Push, proxy: FaultProxy, raw: redis.Redis, moment: Moment
) -> None:
    kiq.configure(redis=proxy.url)
    push()
    one = everything(raw)
    proxy.delay = 0.02  # so that the answer is not faster than the cut
    proxy.cut_next(moment)
    error = broken(push, StoreUnavailable, maybe_done=True)
    assert proxy.cuts == 1
    arrived = one if moment == "before the request" else 2 * one
    eventually(lambda: everything(raw) == arrived)
    push()  # on a new connection; had the one before been sent again, it would be here by now
    assert everything(raw) == arrived + one
    assert error.jids[0]


def test_a_cut_before_scripts_are_loaded_pushed_nothing(
    kiq_client: kiq.Client, proxy: FaultProxy, raw: redis.Redis
) -> None:
    kiq.configure(redis=proxy.url)
    Work.perform_async(1)
    raw.flushall()
    raw.script_flush()
    held, push = threading.Event(), PUSHES["perform_async"]

    def cut_the_second() -> None:
        # The first request is answered "I don't know that script"; the one that loads it is cut.
        eventually(lambda: errors_counted(raw) > 0)
        proxy.cut_next("before the request")
        held.set()

    raw.config_resetstat()
    proxy.delay = 0.05
    thread = threading.Thread(target=cut_the_second)
    thread.start()
    broken(push, StoreUnavailable, maybe_done=False)
    thread.join(5)
    assert held.is_set()
    assert everything(raw) == 0


def errors_counted(raw: redis.Redis) -> int:
    found: Any = raw.info("errorstats")
    return int(found.get("errorstat_NOSCRIPT", {}).get("count", 0))


def test_a_full_redis_got_nothing(push: Push, private_server: MakeServer) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    raw = server.client()
    raw.config_set("maxmemory", 1)
    broken(push, StoreFull, maybe_done=False)
    assert raw.keys() == []


def test_a_replica_got_nothing(push: Push, private_server: MakeServer) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    raw = server.client()
    raw.replicaof("127.0.0.1", "1")
    broken(push, StoreUnavailable, maybe_done=False)
    raw.replicaof("NO", "ONE")
    assert raw.keys() == []


def test_a_redis_that_is_loading_got_nothing(push: Push, private_server: MakeServer) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    push()
    raw = server.client()
    raw.flushall()
    raw.mset({f"ballast:{n}": "x" * 1000 for n in range(300)})
    raw.config_set("key-load-delay", 20_000)  # microseconds for each key
    raw.config_set("loading-process-events-interval-bytes", 1024)
    command: Any = raw.execute_command
    reload = threading.Thread(target=_quietly, args=(command, "DEBUG", "RELOAD"))
    reload.start()
    other = server.client()
    try:
        eventually(lambda: _is_loading(other), 10)
        broken(push, StoreUnavailable, maybe_done=False)
    finally:
        _quietly(other.config_set, "key-load-delay", 0)
        reload.join(20)
    eventually(lambda: not _is_loading(other), 20)
    assert everything(other) == 0


def _is_loading(client: redis.Redis) -> bool:
    info: Any = client.info("persistence")
    return bool(info["loading"])


def _quietly(call: Callable[..., object], *arguments: object) -> None:
    try:
        call(*arguments)
    except redis.RedisError:
        pass  # it takes longer than a time-out, or is refused while loading; the test waits


def test_a_redis_with_too_many_clients_got_nothing(push: Push, private_server: MakeServer) -> None:
    server = private_server()
    raw = server.client()
    raw.ping()
    raw.config_set("maxclients", 1)
    kiq.configure(redis=server.tcp_url)
    broken(push, StoreUnavailable, maybe_done=False)
    assert everything(raw) == 0


def test_a_wrong_password_got_nothing(push: Push, raw: redis.Redis, server: TestServer) -> None:
    raw.config_set("requirepass", "right")
    try:
        kiq.configure(redis=f"redis://:wrong@127.0.0.1:{server.port}/0")
        broken(push, StoreDenied, maybe_done=False)
    finally:
        raw.config_set("requirepass", "")
    assert everything(raw) == 0


def test_a_key_of_the_wrong_type_takes_nothing(push: Push, raw: redis.Redis) -> None:
    raw.mset({"queue:default": "no list", "schedule": "no set"})
    broken(push, StoreError, maybe_done=False)
    assert sorted(raw.keys()) == [b"queue:default", b"schedule"]


def test_a_bulk_that_breaks_in_a_later_slice_calls_uncertain_only_what_may_be_there(
    kiq_client: kiq.Client, proxy: FaultProxy, raw: redis.Redis
) -> None:
    kiq.configure(redis=proxy.url)

    def jobs() -> Iterator[tuple[int]]:
        yield from ((n,) for n in range(4))
        proxy.delay = 0.02  # so that the answer is not faster than the cut
        proxy.cut_next("after the request")
        yield from ((n,) for n in range(4, 6))

    with pytest.raises(BulkPushError) as raised:
        Work.perform_bulk(jobs(), batch_size=2)
    eventually(lambda: everything(raw) == 6)
    stored = [job["jid"] for job in in_queue(raw)]
    assert [*raised.value.jids, *raised.value.uncertain] == stored
    assert len(raised.value.jids) == 4


def test_a_job_can_be_looked_for_and_pushed_again_under_its_own_jid(
    kiq_client: kiq.Client, proxy: FaultProxy, raw: redis.Redis
) -> None:
    kiq.configure(redis=proxy.url)
    Work.perform_async(0)
    proxy.cut_next("before the request")
    error = broken(PUSHES["perform_async"], StoreUnavailable, maybe_done=True)
    assert error.jids[0] not in [job["jid"] for job in in_queue(raw)]
    assert kiq.push({"class": Work, "args": [1], "jid": error.jids[0]}) == error.jids[0]
    assert [job["jid"] for job in in_queue(raw)][1:] == list(error.jids)


def test_an_error_of_a_push_survives_pickling() -> None:
    error = StoreUnavailable("gone", True).of_push(["a", "b"])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.maybe_done, again.jids) == (str(error), True, ("a", "b"))
