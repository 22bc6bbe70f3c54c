"""Senders: what any of them is given, and what becomes of its answers, in plain and in asyncio code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import kiq
from kiq.aio.pushes import push_loads
from kiq.codec import decode
from kiq.errors import BulkPushError, StoreError, StoreFull, StoreUnavailable
from kiq.guarding import Declined, Guard
from kiq.plugin import Ride
from kiq.plugins.after_commit.client import Waiting
from kiq.plugins.push_buffer import PushBuffer
from kiq.pusher import Pusher
from kiq.sender import InAsyncio, Load, Outcome, Sender
from kiq.store.enqueue import RedisSender
from kiq.testing.clients import Taking

#: Who implements the protocol: for the type checker.
SENDERS: tuple[type[Sender], ...] = (RedisSender, PushBuffer, Waiting, Taking)


class Work(kiq.Job, name="sender.Work"):
    def perform(self, number: int) -> None: ...


class Noting:
    """A sender that notes what it is given, and on which thread; *answers* is what it answers."""

    def __init__(self, in_asyncio: InAsyncio = "gathered", whole: bool = False) -> None:
        self.in_asyncio, self.whole = in_asyncio, whole
        self.loads: list[Load] = []
        self.threads: list[str] = []
        self.answers: Callable[[Load], Outcome | None] = lambda load: None

    def push(self, load: Load) -> Outcome | None:
        self.loads.append(load)
        self.threads.append(threading.current_thread().name)
        return self.answers(load)

    def push_one(self, queue: str, raw: bytes, jid: str) -> StoreError | None:
        outcome = self.push(Load({queue: [raw]}, (), (jid,)))
        return outcome and outcome.errors[queue]

    @property
    def numbers(self) -> list[list[int]]:
        return [[decode(raw)[0]["args"][0] for raw in _raws(load)] for load in self.loads]


def _raws(load: Load) -> list[bytes]:
    return [raw for raws in load.queues.values() for raw in raws] + [
        raw for _, raw in load.scheduled
    ]


def pusher(sender: Sender) -> Pusher:
    return Pusher(sender, codec="msgpack", sidekiq=8, max_payload=10_000, host=kiq.host)


def in_tasks(*pushes: Callable[[], Any]) -> list[Any]:
    async def main() -> list[Any]:
        return await asyncio.gather(*(push() for push in pushes), return_exceptions=True)

    return asyncio.run(main())


def test_a_bulk_comes_in_slices_or_as_one_load(fresh_host: kiq.Host) -> None:
    sliced, whole = Noting(), Noting(whole=True)
    jobs = [(number,) for number in range(5)]
    for sender in (sliced, whole):
        Work.via(pusher(sender)).perform_bulk(jobs, batch_size=2)
        Work.via(pusher(sender)).perform_bulk(jobs, batch_size=2, at=4e9)
    assert sliced.numbers == [[0, 1], [2, 3], [4]] * 2
    assert whole.numbers == [[0, 1, 2, 3, 4]] * 2
    assert [load.batch_size for load in whole.loads] == [2, 2], "what the caller asked for"


@pytest.mark.parametrize(
    ("in_asyncio", "thread"),
    [("at once", "MainThread"), ("aside", "kiq-inline"), ("gathered", "kiq-pusher")],
)
def test_asyncio_code_hands_over_as_the_sender_wants(
    fresh_host: kiq.Host, in_asyncio: InAsyncio, thread: str
) -> None:
    sender = Noting(in_asyncio)
    here = Work.via(pusher(sender)).aio
    in_tasks(lambda: here.perform_async(1), lambda: here.perform_in(60, 2))
    assert len(sender.loads) == (1 if in_asyncio == "gathered" else 2)
    assert {name.partition("_")[0] for name in sender.threads} == {thread}


def test_what_is_gathered_is_told_each_of_its_own_place(fresh_host: kiq.Host) -> None:
    sender = Noting()
    full = StoreFull("full")
    sender.answers = lambda load: Outcome({"low": full, None: full})
    here = pusher(sender)
    at_default = Work.via(here).aio.perform_async
    at_low = Work.set(queue="low").via(here).aio.perform_async
    later = Work.via(here).aio.perform_in
    done, *refused = in_tasks(lambda: at_default(1), lambda: at_low(2), lambda: later(60, 3))
    assert len(sender.loads) == 1
    assert isinstance(done, str)
    assert [type(error) for error in refused] == [StoreFull, StoreFull]
    assert [error.maybe_done for error in refused] == [False, False]
    assert len({error.jids for error in refused}) == 2, "each has an error and a jid of its own"


def test_what_is_gathered_is_told_who_declined_its_own(fresh_host: kiq.Host) -> None:
    sender = Noting()
    guard = Guard(
        "odd",
        guarding=lambda payload: Ride([]) if payload["args"][0] % 2 else None,
        check="return 'odd'",
        declined=lambda payload, why: f"{why} {payload['args'][0]}",
    )
    fresh_host.guard(guard)
    sender.answers = lambda load: Outcome(
        {},
        {one.payload["jid"]: Declined(guard, one.payload, "odd") for one in load.extras.values()},
    )
    work = Work.via(pusher(sender)).aio
    one, two, bulk = in_tasks(
        lambda: work.perform_async(1),
        lambda: work.perform_async(2),
        lambda: work.perform_bulk([(number,) for number in range(4)]),
    )
    (load,) = sender.loads
    assert one == "odd 1"
    assert two == load.jids[1]
    assert bulk == [load.jids[2], "odd 1", load.jids[4], "odd 3"]


@pytest.mark.parametrize("maybe_done", [False, True])
def test_a_guard_that_fails_is_an_error_of_its_job_alone(
    fresh_host: kiq.Host, maybe_done: bool
) -> None:
    sender = Noting()
    sender.answers = lambda load: Outcome({}, {str(load.jids[0]): StoreFull("full", maybe_done)})
    with pytest.raises(StoreFull) as single:
        pusher(sender).push({"class": "sender.Work", "args": [1]})
    with pytest.raises(BulkPushError) as bulk:
        Work.via(pusher(sender)).perform_bulk([(1,), (2,)])
    first, second = sender.loads
    assert (single.value.jids, single.value.maybe_done) == (tuple(first.jids), maybe_done)
    assert bulk.value.jids == [None, second.jids[1]]
    assert bulk.value.uncertain == ([second.jids[0]] if maybe_done else [])


def test_extras_reach_the_sender_through_gathering(fresh_host: kiq.Host) -> None:
    sender = Noting()
    here = pusher(sender)
    first = Load({"a": [b"x"]}, (), ("j1",), None, {b"x": "guard"})
    second = Load({"a": [b"y"]}, ((4e9, b"z"),), ("j2", "j3"), None, {b"z": "rider"})
    assert in_tasks(lambda: push_loads(here, [first]), lambda: push_loads(here, [second])) == [
        ["j1"],
        ["j2", "j3"],
    ]
    (load,) = sender.loads
    assert load.queues == {"a": [b"x", b"y"]}
    assert list(load.scheduled) == [(4e9, b"z")]
    assert load.extras == {b"x": "guard", b"z": "rider"}


def test_a_load_that_got_through_in_part_may_be_done(fresh_host: kiq.Host) -> None:
    sender = Noting()
    sender.answers = lambda load: Outcome({"low": StoreFull("full")})
    items = [{"class": "sender.Work", "args": [1], "queue": queue} for queue in ("default", "low")]
    with pytest.raises(BulkPushError) as caught:
        pusher(sender).push_slices(items)
    assert caught.value.jids == []
    assert len(caught.value.uncertain) == 2
    with pytest.raises(StoreFull) as refused:
        pusher(sender).push(items[1])
    assert not refused.value.maybe_done


def test_what_got_through_before_is_listed(fresh_host: kiq.Host) -> None:
    sender = Noting()
    sender.answers = lambda load: (
        Outcome({"default": StoreUnavailable("away", True)}) if len(sender.loads) == 2 else None
    )
    with pytest.raises(BulkPushError) as caught:
        Work.via(pusher(sender)).perform_bulk([(number,) for number in range(6)], batch_size=2)
    assert sender.numbers == [[0, 1], [2, 3]]
    assert caught.value.jids == list(sender.loads[0].jids)
    assert caught.value.uncertain == list(sender.loads[1].jids)


@pytest.mark.parametrize("in_asyncio", ["aside", "at once"])
def test_what_a_sender_raises_is_raised_as_it_is(
    fresh_host: kiq.Host, in_asyncio: InAsyncio
) -> None:
    def fail(load: Load) -> None:
        raise StoreUnavailable("of the job")

    sender = Noting(in_asyncio)
    sender.answers = fail
    work = Work.via(pusher(sender))
    for push in (lambda: work.perform_async(1), lambda: work.perform_bulk([(1,), (2,)])):
        with pytest.raises(StoreUnavailable, match=r"^of the job$"):
            push()
    (raised,) = in_tasks(lambda: work.aio.perform_bulk([(1,)]))
    assert str(raised) == "of the job"
