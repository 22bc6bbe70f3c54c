"""A guarded push: lock and job in one step, or neither, whatever breaks between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

import kiq
from kiq.client import Client, process_client
from kiq.config import Redis
from kiq.errors import BulkPushError, NotDone, PluginError, StoreError, StoreFull, StoreUnavailable
from kiq.plugin import Guard, Host, Ride
from kiq.store import scripts
from tests.helpers.locked import Free, Locked, Locks, holder, jids_in
from tests.helpers.proxy import MOMENTS, PLACES, FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually

LATER = 4_000_000_000


@pytest.fixture
def locks(kiq_client: Client) -> Host:
    """The plugin of the page is installed."""
    kiq.host.install(Locks())
    return kiq.host


def refusing(error: Exception | None = None, **more: Any) -> Guard:
    """A guard that lets nothing pass of the class Free; *error* is what it raises then."""

    def declined(payload: dict[str, Any], why: str) -> None:
        if error is not None:
            raise error

    return Guard(
        "refusing",
        guarding=lambda payload: Ride([]) if payload["class"] == "locked.Free" else None,
        check="return 'never'",
        declined=declined,
        **more,
    )


def breaking(name: str = "breaking") -> Guard:
    """A guard that can't write: its key is of the wrong type."""
    return Guard(
        name,
        guarding=lambda payload: Ride(["wrong"]) if payload["args"] != ["passes"] else None,
        check="return nil",
        take="redis.call('HSET', KEYS[1], 'a', 1)",
    )


# What is pushed, and what comes back


def test_the_second_gets_the_jid_of_the_first(locks: Host, raw: redis.Redis) -> None:
    first = Locked.perform_async()
    assert holder(raw) == first
    assert Locked.perform_async() == first
    assert Locked.perform_in(60) == first
    other = Locked.set(lock="other").perform_async()
    assert jids_in(raw) == [other, first]
    assert raw.smembers("queues") == {b"out"}


def test_a_scheduled_job_has_the_lock_from_its_push_on(locks: Host, raw: redis.Redis) -> None:
    first = Locked.perform_at(LATER)
    assert (holder(raw), jids_in(raw, "schedule")) == (first, [first])
    assert Locked.perform_async() == first
    assert raw.exists("queue:out") == 0


def test_its_own_jid_passes(locks: Host, raw: redis.Redis) -> None:
    payload = {"class": "locked.Locked", "args": [], "queue": "out", "lock": "import", "jid": "j"}
    assert [kiq.push(dict(payload)) for _ in range(2)] == ["j", "j"]
    assert len(in_queue(raw, "out")) == 2


@pytest.mark.parametrize("at", [None, LATER])
def test_a_bulk_is_decided_job_by_job(locks: Host, raw: redis.Redis, at: float | None) -> None:
    jids = Locked.perform_bulk([()] * 3, at=at)
    assert jids == [jids[0]] * 3
    assert jids_in(raw) == [jids[0]]
    many = process_client().push_slices(
        [
            {"class": "locked.Free", "args": [0], "queue": "out"},
            {"class": "locked.Locked", "args": [], "queue": "out", "lock": "a"},
            {"class": "locked.Free", "args": [1], "queue": "out"},
            {"class": "locked.Locked", "args": [], "queue": "other", "lock": "a"},
            {"class": "locked.Locked", "args": [], "queue": "out", "lock": "b"},
            {"class": "locked.Free", "args": [2], "queue": "aside"},
        ]
    )
    assert many[3] == many[1]
    assert [job["jid"] for job in in_queue(raw, "out")][at is None :] == [
        many[0],
        many[1],
        many[2],
        many[4],
    ], "in their order"
    assert jids_in(raw, "queue:aside") == [many[5]]
    assert not raw.exists("queue:other")
    assert not raw.sismember("queues", "other")


def test_a_thousand_in_one_bulk(locks: Host, raw: redis.Redis) -> None:
    process_client().push_slices(
        [
            {"class": "locked.Locked", "args": [], "queue": "out", "lock": str(n % 700)}
            for n in range(1_000)
        ]
    )
    assert [job["lock"] for job in in_queue(raw, "out")] == [str(n) for n in range(700)]


def test_what_raises_is_raised_and_in_a_bulk_says_what_was_pushed(
    kiq_client: Client, raw: redis.Redis
) -> None:
    kiq.host.guard(refusing(LookupError("it is there already")))
    for push in (Free.perform_async, lambda: Free.perform_bulk([(1,), (2,)])):
        with pytest.raises(LookupError, match="it is there already"):
            push()
    mixed = [
        {"class": name, "args": [], "queue": "out", "jid": name}
        for name in ("locked.Locked", "locked.Free", "locked.Other")
    ]
    with pytest.raises(BulkPushError, match="after 2 jobs: LookupError") as caught:
        process_client().push_slices(mixed)
    assert caught.value.jids == ["locked.Locked", None, "locked.Other"]
    assert caught.value.uncertain == []
    assert jids_in(raw) == ["locked.Other", "locked.Locked"]


def test_without_an_answer_it_is_none(kiq_client: Client, raw: redis.Redis) -> None:
    kiq.host.guard(refusing())
    assert Free.perform_async() is None
    assert Free.perform_bulk([(1,), (2,)]) == [None, None]
    assert jids_in(raw) == []


def test_a_guard_sees_what_middleware_made_of_the_job(locks: Host, raw: redis.Redis) -> None:
    @kiq.host.around_push
    def changes(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload.update(lock="changed", jid="own")
        return call_next(context)

    assert Free.perform_async() == "own"
    assert holder(raw, "changed") == "own"


def test_all_guards_are_asked_before_any_writes(locks: Host, raw: redis.Redis) -> None:
    kiq.host.guard(refusing())
    assert Free.set(lock="import").perform_async() is None
    assert holder(raw) is None


def test_a_guard_may_put_a_job_in_the_place_of_another(
    kiq_client: Client, raw: redis.Redis
) -> None:
    """The latest wins, as with debounced jobs: each push lets the one before go, in one step."""
    kiq.host.guard(
        Guard(
            "latest",
            guarding=lambda payload: Ride(["latest", "schedule"]),
            check="return not DUE and 'only for later'",
            take="""
            local old = redis.call('HGET', KEYS[1], 'job')
            if old then redis.call('ZREM', KEYS[2], old) end
            redis.call('HSET', KEYS[1], 'job', JOB, 'due', DUE)
            """,
            declined=lambda payload, why: why,
        )
    )
    assert Free.perform_async() == "only for later"
    jids = [Free.perform_at(LATER + number) for number in range(5)]
    assert jids_in(raw) == [jids[-1]]
    assert raw.hget("latest", "due") == f"{LATER + 4}.0".encode()


def test_only_jobs_that_a_guard_concerns_leave_the_quick_way(locks: Host) -> None:
    client = process_client()
    assert client.is_plain_for(Free, {})
    assert not client.is_plain_for(Locked, {"lock": "import"})
    kiq.host.guard(refusing())
    assert not client.is_plain_for(Free, {})


# At the same time


def test_threads_that_push_at_once_take_a_lock_once(
    locks: Host, raw: redis.Redis, redis_url: str
) -> None:
    clients = [Client(Redis(url=redis_url)) for _ in range(8)]
    together = threading.Barrier(8)

    def push(client: Client) -> list[str | None]:
        together.wait()
        return [Locked.set(lock=str(number)).via(client).perform_async() for number in range(50)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, clients))
    assert len(jids_in(raw)) == 50
    for number in range(50):
        assert {of_thread[number] for of_thread in answers} == {holder(raw, str(number))}


def test_tasks_that_push_at_once_take_a_lock_once(locks: Host, raw: redis.Redis) -> None:
    async def main() -> list[Any]:
        pushes = [Locked.aio.perform_async() for _ in range(20)]
        bulk = Locked.aio.perform_bulk([()] * 2)
        free = [Free.aio.perform_async(number) for number in range(5)]
        return await asyncio.gather(*pushes, bulk, *free)

    *jids, bulk, a, b, c, d, e = asyncio.run(main())
    assert set(jids) | set(bulk) == {holder(raw)}
    assert [job["jid"] for job in in_queue(raw, "out")] == [jids[0], a, b, c, d, e]


def test_asyncio_code_is_told_what_raises(kiq_client: Client, raw: redis.Redis) -> None:
    kiq.host.guard(refusing(LookupError("there")))

    async def main() -> list[Any]:
        some = [Free.aio.perform_async(), Locked.aio.perform_async(), Free.aio.perform_bulk([()])]
        return await asyncio.gather(*some, return_exceptions=True)

    first, jid, last = asyncio.run(main())
    assert [type(first), type(last)] == [LookupError, LookupError]
    assert jids_in(raw) == [jid]


# What breaks


@pytest.fixture
def between(server: TestServer, locks: Host) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        kiq.configure(redis=Redis(url=proxy.url, socket_timeout=1))
        yield proxy


@pytest.mark.parametrize("moment", [*MOMENTS, *PLACES])
@pytest.mark.parametrize("at", [None, LATER])
def test_a_push_that_is_cut_leaves_both_or_none(
    between: FaultProxy, raw: redis.Redis, moment: Any, at: float | None
) -> None:
    Locked.set(lock="warm").perform_async()
    raw.delete("queue:out")
    between.cut_next(moment)
    with pytest.raises(StoreUnavailable):
        Locked.perform_bulk([()], at=at)
    # The request may still be on its way to the server.
    eventually(lambda: [holder(raw)] == (jids_in(raw) or [None]), 10)
    there = jids_in(raw)
    again = Locked.perform_async()
    assert [again] == jids_in(raw)
    assert not there or [again] == there, "the first has the lock"


@pytest.mark.parametrize(
    ("key", "push"),
    [
        ("queue:out", lambda: Locked.perform_async()),
        ("queues", lambda: Locked.perform_async()),
        ("schedule", lambda: Locked.perform_in(60)),
        ("lock:import", lambda: Locked.perform_async()),
        ("lock:import", lambda: Locked.perform_in(60)),
    ],
)
def test_what_is_of_the_wrong_type_leaves_nothing(
    locks: Host, raw: redis.Redis, key: str, push: Callable[[], object]
) -> None:
    raw.hset(key, "a", "b")
    with pytest.raises(StoreError, match="WRONGTYPE") as caught:
        push()
    assert not caught.value.maybe_done
    assert len(caught.value.jids) == 1
    assert raw.keys() == [key.encode()]


def test_a_replica_is_not_asked_what_it_knows_of_locks(
    locks: Host, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    kiq.configure(redis=server.url)
    assert Locked.perform_async()
    raw = server.client()
    raw.replicaof("127.0.0.1", "1")
    for push in (Locked.perform_async, lambda: Locked.perform_in(60)):
        with pytest.raises(StoreUnavailable) as caught:
            push()
        assert not caught.value.maybe_done
    raw.replicaof("NO", "ONE")
    assert len(jids_in(raw)) == 1


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_full_redis_got_nothing(locks: Host, raw: redis.Redis, forgotten: bool) -> None:
    Locked.set(lock="warm").perform_async()
    raw.set("ballast", b"x" * 1_000_000)
    before = sorted(raw.keys())
    raw.config_set("maxmemory", 1)
    try:
        if forgotten:
            raw.script_flush()
        for push in (Locked.perform_async, lambda: Locked.perform_in(60)):
            with pytest.raises(StoreFull, match="maxmemory") as caught:
                push()
            assert not caught.value.maybe_done
    finally:
        raw.config_set("maxmemory", 0)
    assert sorted(raw.keys()) == before
    assert len(jids_in(raw)) == 1


@pytest.mark.parametrize("at", [None, LATER])
def test_a_lock_that_can_not_be_written_takes_the_push_back(
    locks: Host, raw: redis.Redis, at: float | None
) -> None:
    raw.set("wrong", "type")
    kiq.host.guard(breaking())
    with pytest.raises(StoreError, match="WRONGTYPE") as caught:
        Locked.perform_bulk([("fails",)], at=at)
    assert not caught.value.maybe_done
    assert raw.keys() == [b"wrong"]


def test_the_others_of_its_bulk_are_pushed(locks: Host, raw: redis.Redis) -> None:
    raw.set("wrong", "type")
    kiq.host.guard(breaking())
    with pytest.raises(BulkPushError, match="WRONGTYPE") as caught:
        process_client().push_slices(
            {"class": "locked.Locked", "args": [how], "queue": "out", "lock": lock, "jid": lock}
            for how, lock in (("passes", "a"), ("fails", "b"), ("passes", "c"))
        )
    assert caught.value.jids == ["a", None, "c"]
    assert caught.value.uncertain == []
    assert jids_in(raw) == ["c", "a"]
    assert [holder(raw, lock) for lock in "abc"] == ["a", None, "c"]


def test_a_place_in_the_set_is_as_it_was(locks: Host, raw: redis.Redis) -> None:
    payload = {"class": "locked.Locked", "args": [], "queue": "out", "lock": "l", "jid": "j"}
    payload |= {"created_at": 1_800_000_000_000}
    kiq.push({**payload, "at": LATER})
    raw.set("wrong", "type")
    kiq.host.guard(breaking())
    with pytest.raises(StoreError, match="WRONGTYPE"):
        kiq.push({**payload, "at": LATER + 60})
    assert [score for _, score in raw.zrange("schedule", 0, -1, withscores=True)] == [LATER]


@pytest.mark.bare_names
def test_a_push_that_can_not_be_taken_back_says_that_it_may_be_there(
    locks: Host, raw: redis.Redis, server: TestServer
) -> None:
    kiq.host.guard(breaking())
    raw.set("wrong", "type")
    rights = {"keys": ["*"], "channels": ["*"], "commands": ["+@all", "-lrem"]}
    raw.acl_setuser("narrow", enabled=True, nopass=True, **rights)
    try:
        narrow = Client(Redis(url=f"redis://narrow:x@127.0.0.1:{server.port}/0"))
        with pytest.raises(StoreError, match="WRONGTYPE") as caught:
            Locked.via(narrow).perform_async()
        assert caught.value.maybe_done
    finally:
        raw.acl_deluser("narrow")
    assert jids_in(raw) == list(caught.value.jids) == [holder(raw)]


def test_lua_that_is_wrong_is_an_error_of_the_push(kiq_client: Client, raw: redis.Redis) -> None:
    kiq.host.guard(Guard("wrong", guarding=lambda payload: Ride([]), check="return nil .. 'a'"))
    with pytest.raises(StoreError, match="concatenate"):
        Free.perform_async()
    assert raw.keys() == []


def test_lua_that_can_not_be_read_says_so(
    kiq_client: Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "_others", {})  # servers of other tests need not know it
    kiq.host.guard(Guard("wrong", guarding=lambda payload: Ride([]), check="retrun nil"))
    with pytest.raises(StoreError, match=r"compiling script.*near 'nil'"):
        Free.perform_async()
    kiq.host.guards.clear()
    jid = Free.perform_async()
    assert jids_in(raw) == [jid]


def test_a_server_that_forgot_its_scripts_is_told_them(locks: Host, raw: redis.Redis) -> None:
    first = Locked.perform_async()
    raw.script_flush()
    assert Locked.perform_async() == first
    assert Locked.set(lock="other").perform_async() != first


# What a guard may be


def test_what_is_no_guard_is_refused(fresh_host: Host) -> None:
    guard = fresh_host.guard(refusing())
    assert fresh_host.guard(guard) is guard
    with pytest.raises(PluginError, match="two guards are named 'refusing'"):
        fresh_host.guard(refusing())
    with pytest.raises(PluginError, match="a word in small letters, not 'No Name'"):
        Guard("No Name", guarding=lambda payload: None, check="return nil")
    with pytest.raises(PluginError, match="needs a check"):
        Guard("half", guarding=lambda payload: None, check=" ")


def test_a_guard_that_returns_a_coroutine_is_an_error(kiq_client: Client) -> None:
    async def later(payload: dict[str, Any]) -> None: ...

    with pytest.raises(kiq.KiqError):
        Guard("later", guarding=later, check="return nil")  # type: ignore[arg-type]

    class Sly:
        def __call__(self, payload: dict[str, Any]) -> Any:
            return later(payload)

    kiq.host.guard(Guard("later", guarding=Sly(), check="return nil"))
    with pytest.raises(NotDone):
        Free.perform_async()
