"""Guarded pushes that were kept, or waited for a commit: each once, and what is declined is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

import kiq
from kiq.client import Client, process_client
from kiq.config import Redis
from kiq.errors import StoreError
from kiq.plugin import Guard, Host, Ride
from kiq.plugins.after_commit.client import AfterCommit
from kiq.plugins.after_commit.deferred import Deferred, push_all
from kiq.plugins.push_buffer import PushBuffer
from tests.helpers.locked import Free, Locked, Locks, holder, jids_in
from tests.helpers.proxy import MOMENTS, FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually

LATER = 4_000_000_000


@pytest.fixture
def locks(kiq_client: Client) -> Host:
    """The plugin of the page is installed."""
    kiq.host.install(Locks())
    return kiq.host


@pytest.fixture
def reported(locks: Host) -> list[tuple[BaseException, dict[str, Any]]]:
    problems: list[tuple[BaseException, dict[str, Any]]] = []
    locks.error_handlers[:] = [lambda error, where: problems.append((error, where))]
    return problems


@pytest.fixture
def between(server: TestServer, locks: Host) -> Iterator[FaultProxy]:
    """A proxy to the shared server, through which the producer pushes, with a buffer."""
    with FaultProxy(server.port) as proxy:
        kiq.configure(redis=Redis(url=proxy.url, socket_timeout=1), push_buffer=1000)
        yield proxy
        buffer = process_client().sender
        assert isinstance(buffer, PushBuffer)
        buffer.close()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, logger="kiq.client")

    def lines() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        return [line for line in found if line.startswith(("not pushed", "dropped"))]

    return lines


def emptied() -> bool:
    """Whether nothing is kept any more: the thread of this buffer ends."""
    buffer = process_client().sender
    assert isinstance(buffer, PushBuffer)
    return not buffer._trying


def away(between: FaultProxy) -> None:
    """Let Redis be away until :func:`back`."""
    between.refuse(True)
    between.cut_all()


def back(between: FaultProxy) -> None:
    """Let it be there, and wait until nothing is kept."""
    between.refuse(False)
    eventually(emptied, 20)


# The push buffer


def test_with_a_buffer_a_push_is_declined_as_without(between: FaultProxy, raw: redis.Redis) -> None:
    first = Locked.perform_async()
    assert Locked.perform_async() == first
    assert Locked.perform_bulk([()] * 2, at=LATER) == [first] * 2
    free = Free.perform_async()
    assert jids_in(raw) == [free, first]
    assert raw.zcard("kiq:pushed") == 2


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("at", [None, LATER])
def test_a_guarded_push_that_is_cut_is_there_once_with_its_lock(
    between: FaultProxy, raw: redis.Redis, moment: Moment, at: float | None
) -> None:
    Locked.set(lock="warm").perform_async()
    between.cut_next(moment)
    (jid,) = Locked.perform_bulk([()], at=at)
    eventually(emptied)
    assert between.cuts == 1
    assert holder(raw) == jid
    assert jids_in(raw).count(str(jid)) == 1
    assert Locked.perform_async() == jid


def test_what_was_pushed_before_is_not_taken_for_declined(
    between: FaultProxy, raw: redis.Redis, said: Callable[[], list[str]]
) -> None:
    """A guard that would not let the jid itself pass a second time is not asked."""
    kiq.host.guard(
        Guard(
            "once",
            guarding=lambda payload: Ride([f"seen:{payload['args']}"]),
            check="return redis.call('GET', KEYS[1]) and 'seen'",
            take="redis.call('SET', KEYS[1], 1)",
        )
    )
    Free.perform_async(1)  # the server learns the script
    between.cut_next("after the request")
    jid = Free.perform_async(2)
    eventually(emptied)
    assert jids_in(raw)[0] == jid
    assert said() == []
    assert Free.perform_async(2) is None


def test_of_two_that_are_kept_the_second_is_told_to_be_declined(
    between: FaultProxy,
    raw: redis.Redis,
    said: Callable[[], list[str]],
    reported: list[tuple[BaseException, dict[str, Any]]],
) -> None:
    def declined(payload: dict[str, Any], why: str) -> None:
        if payload["args"] == ["raises"]:
            raise LookupError("it is there already")

    kiq.host.guard(
        Guard(
            "refusing",
            guarding=lambda payload: Ride([]) if payload["args"] == ["raises"] else None,
            check="return 'never'",
            declined=declined,
        )
    )
    away(between)
    first, second = Locked.perform_async(), Locked.perform_async()
    third, free = Locked.set(lock="other").perform_async("raises"), Free.perform_async()
    assert len({first, second, third, free}) == 4, "nobody knows yet"
    back(between)
    assert [job["jid"] for job in in_queue(raw, "out")] == [first, free]
    assert holder(raw) == first
    assert holder(raw, "other") is None
    assert said() == [
        f"not pushed: guard lock declined it: {first} [jid={second} class=locked.Locked]",
        f"not pushed: guard refusing declined it: never [jid={third} class=locked.Locked]",
    ]
    ((error, where),) = reported
    assert str(error) == "it is there already"
    assert where == {"context": "guard refusing", "jid": third}


def test_a_kept_bulk_whose_guard_fails_stays_kept_and_is_done_once(
    between: FaultProxy, raw: redis.Redis
) -> None:
    kiq.host.guard(
        Guard(
            "breaking",
            guarding=lambda payload: Ride(["wrong"]) if payload["args"] == ["fails"] else None,
            check="return nil",
            take="redis.call('HSET', KEYS[1], 'a', 1)",
        )
    )
    raw.set("wrong", "type")
    away(between)
    items = [
        {"class": "locked.Locked", "args": [how], "queue": "out", "lock": how, "jid": how}
        for how in ("ends", "fails", "last")
    ]
    process_client().push_slices(items)
    between.refuse(False)
    eventually(lambda: jids_in(raw) == ["last", "ends"], 20)
    assert not emptied()
    raw.delete("wrong")
    eventually(emptied, 20)
    assert jids_in(raw) == ["fails", "last", "ends"]


@pytest.mark.parametrize("key", ["lock:import", "queue:out", "queues", "kiq:pushed"])
def test_what_is_refused_while_redis_is_there_is_raised_and_leaves_nothing(
    locks: Host, raw: redis.Redis, between: FaultProxy, key: str
) -> None:
    raw.hset(key, "a", "b")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        Locked.perform_async()
    assert raw.keys() == [key.encode()]


# After a commit


class Transaction:
    """One that is open until the test commits it."""

    def __init__(self) -> None:
        self.jobs: list[Deferred] = []

    def defer(self, job: Deferred) -> None:
        """Keep *job*."""
        self.jobs.append(job)

    def commit(self) -> None:
        """Push."""
        push_all(self.jobs)


def test_a_guard_is_asked_at_the_commit_and_what_it_declines_is_told(
    locks: Host,
    raw: redis.Redis,
    said: Callable[[], list[str]],
    reported: list[tuple[BaseException, dict[str, Any]]],
) -> None:
    kiq.host.guard(
        Guard(
            "refusing",
            guarding=lambda payload: Ride([]) if payload["args"] == ["fails"] else None,
            check="return 'never'",
            declined=lambda payload, why: [][0],
        )
    )
    transaction = Transaction()
    after = Locked.via(AfterCommit(lambda: transaction))
    first, second = after.perform_async(), after.perform_async()
    many = after.set(lock="many").perform_bulk([(), ()])
    third = after.set(lock="other").perform_async("fails")
    assert len({first, second, third, *many}) == 5
    assert raw.keys() == [], "no lock before the commit"
    transaction.commit()
    assert jids_in(raw) == [many[0], first]
    assert [holder(raw, lock) for lock in ("import", "many", "other")] == [first, many[0], None]
    assert said() == [
        f"not pushed: guard lock declined it: {first} [jid={second} class=locked.Locked]",
        f"not pushed: guard lock declined it: {many[0]} [jid={many[1]} class=locked.Locked]",
        f"not pushed: guard refusing declined it: never [jid={third} class=locked.Locked]",
    ]
    assert [(type(error), where["jid"]) for error, where in reported] == [(IndexError, third)]


def test_a_rollback_leaves_no_lock(locks: Host, raw: redis.Redis) -> None:
    transaction = Transaction()
    Locked.via(AfterCommit(lambda: transaction)).perform_async()
    assert raw.keys() == []
