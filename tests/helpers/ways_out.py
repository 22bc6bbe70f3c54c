"""Jobs that leave in every way there is, and what is heard of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import kiq
from kiq.plugin import Host
from kiq.settled import Promoted, Settled
from kiq.verdict import Done, Dropped, ToDead, ToQueue, ToRetry, ToSchedule

#: Ends jobs that are held.
let_go = threading.Event()


class Leaves(kiq.Job, queue="out", retry=3):
    """Leaves as it is told to."""

    def perform(self, how: str) -> None:
        """End as *how* says."""
        if how == "fails":
            raise ValueError("on purpose")
        if how == "discards":
            raise kiq.Discard("on purpose")
        if how == "kills":
            raise kiq.Kill("on purpose")
        if how == "snoozes":
            raise kiq.Snooze(3600)
        if how == "asks again":
            raise kiq.Retry(3600)
        if how == "is held":
            let_go.wait(10)


class LeavesAtOnce(Leaves, queue="out", retry=0):
    """Goes to the dead set when it fails."""


class LeavesForGood(Leaves, queue="out", retry=False):
    """Is dropped when it fails."""


#: What is pushed, and how it leaves.
TABLE: dict[str, tuple[Callable[[], str | None], list[type]]] = {
    "done": (lambda: Leaves.perform_async("ends"), [Done]),
    "retry": (lambda: Leaves.perform_async("fails"), [ToRetry]),
    "asked for": (lambda: Leaves.perform_async("asks again"), [ToRetry]),
    "dead": (lambda: LeavesAtOnce.perform_async("fails"), [ToDead]),
    "killed by itself": (lambda: Leaves.perform_async("kills"), [ToDead]),
    "retry off": (lambda: LeavesForGood.perform_async("fails"), [Dropped]),
    "discard": (lambda: Leaves.perform_async("discards"), [Dropped]),
    "snooze": (lambda: Leaves.perform_async("snoozes"), [ToSchedule]),
    "vetoed": (lambda: Leaves.perform_async("vetoed"), [Dropped]),
    "wrong arguments": (lambda: _push(args=[1, 2, 3]), [ToRetry]),
    "unknown class": (lambda: _push(**{"class": "Nobody"}), [ToRetry]),
    "promoted": (lambda: Leaves.perform_in(0.05, "ends"), [Promoted, Done]),
    "vetoed at its promotion": (lambda: Leaves.perform_in(0.05, "late veto"), [Dropped]),
}


def _push(**fields: Any) -> str | None:
    payload = {"class": f"{Leaves.__module__}.Leaves", "args": ["ends"], "queue": "out", **fields}
    return kiq.client.process_client().push(payload)


def attach_vetoes(host: Host) -> None:
    """Let layers of *host* skip and veto what asks for it."""

    @host.around_perform
    def skips(context: kiq.ServerContext, call_next: Any) -> Any:
        return None if context.payload["args"] == ["vetoed"] else call_next(context)

    @host.around_push
    def vetoes(context: kiq.ClientContext, call_next: Any) -> Any:
        late = context.promoting and context.payload["args"] == ["late veto"]
        return None if late else call_next(context)


class Heard:
    """A handler of settled jobs that notes what it hears."""

    def __init__(self) -> None:
        self.batches: list[list[Settled]] = []

    def __call__(self, batch: Sequence[Settled]) -> None:
        """Note *batch*."""
        self.batches.append(list(batch))

    @property
    def all(self) -> list[Settled]:
        """Every job that was told of, in order."""
        return [one for batch in self.batches for one in batch]

    @property
    def ended(self) -> list[Settled]:
        """The same but for what was handed back, as any job may be on a busy machine."""
        return [one for one in self.all if not isinstance(one.verdict, ToQueue)]

    def of(self, jid: str | None) -> list[type]:
        """What became of *jid*, in order."""
        return [type(one.verdict) for one in self.all if one.jid == jid]
