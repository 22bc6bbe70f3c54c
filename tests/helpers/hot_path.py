"""A job's way through a worker, a part at a time, on the caller's thread: for counting what it costs."""

from __future__ import annotations

from typing import Any

from kiq.codec import encode
from kiq.config import Config
from kiq.payload import Payload, build
from kiq.plugin import Host
from kiq.registry import registry
from kiq.verdict import DONE, Flight, Permit, Taken
from kiq.work.executor import Executor
from kiq.work.handover import BATCH, Handover
from kiq.work.inbox import Inbox
from kiq.work.owner import Owner
from kiq.work.processor import Processor
from kiq.work.settling import Settler
from kiq.work.suspects import Isolation, Suspects
from tests.helpers.cost import Repeated
from tests.helpers.depot import LIMITS, Depot
from tests.helpers.noop import Noop

MOMENT = 1_800_000_000_000  # milliseconds since the epoch


def payloads(count: int) -> list[Payload]:
    """Return *count* complete payloads of no-op jobs."""
    options = {"queue": "default", "retry": True}
    return [
        build(f"{Noop.__module__}.{Noop.__qualname__}", [1], None, options) for _ in range(count)
    ]


def taken(count: int) -> list[Taken]:
    """Return *count* no-op jobs as if they had been fetched; their bytes are always the same."""
    flight = Flight("o", "queue:default", Permit(float("inf")))
    # The same bytes each time: some moments look like bytes that need a closer look.
    stamps = {"jid": "b4a577edbccf1d805744efa9", "created_at": MOMENT, "enqueued_at": MOMENT}
    raws = [encode({**payload, **stamps}, "msgpack") for payload in payloads(count)]
    return [Taken(f"1.{at}", flight, raw, 0.0) for at, raw in enumerate(raws, 1)]


def _unexpected(error: BaseException, where: dict[str, Any]) -> None:
    raise AssertionError(f"reported: {where}") from error


def executing(host: Host | None = None) -> Repeated:
    """Return what lets an executor run so many no-op jobs, with what is attached to *host*."""
    execute, jobs = Executor(Config(), host or Host(), registry), taken(1000)

    def action(count: int) -> None:
        for job in jobs[:count]:
            assert execute(job) is DONE

    return action


def processing() -> Repeated:
    """Return what lets a processor take so many no-op jobs out of its inbox, and run them."""
    inbox, handover = Inbox(), Handover(10)
    execute = Executor(Config(), Host(), registry)
    processor = Processor(
        inbox, handover, execute, execute.failures.of_kiq, handover.wake, _unexpected, "measured"
    )
    jobs = taken(BATCH // 2 - 1)
    handover.patience = BATCH // 2  # what a busy courier sets
    inbox.close()  # it returns when there is no more

    def action(count: int) -> None:
        inbox.put(jobs[:count])
        processor.run()
        assert len(handover.outbox) == count
        handover.outbox.clear()
        handover.woken()

    return action


def couriering(url: str) -> Repeated:
    """Return what carries so many jobs to the inbox and their verdicts back, as a courier does."""
    depot, raws = Depot(url), [job.raw for job in taken(200)]
    inbox, handover = Inbox(), Handover(10)
    owner, suspects = Owner(depot.owner, ["queue:a"]), Suspects(Isolation(), inbox)
    settler = Settler(handover, LIMITS, _unexpected)

    def action(count: int) -> None:
        depot.push("a", raws[:count])
        fetched = depot.take(count, "a")
        owner.took(fetched)
        suspects.admit(fetched)
        handover.outbox.extend([(job, DONE) for job in fetched])
        for _ in range(count):
            inbox.next_job()
        assert settler.load(1.0) == count
        settled = settler.read(depot.link.exchange(settler.commands()), 1.0)
        assert len(settled) == count
        owner.settled(settled)
        suspects.settled(settled)

    return action


def in_hundreds(action: Repeated) -> Repeated:
    """Return *action* in portions of a hundred."""

    def repeated(count: int) -> None:
        for _ in range(count // 100):
            action(100)

    return repeated
