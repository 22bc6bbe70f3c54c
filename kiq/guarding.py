"""Guards: conditions that Redis decides in the step of a push."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import PluginError
from .riding import Ride
from .undone import check_done, refuse_undone

logger = logging.getLogger("kiq.client")

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of pushes, which Redis decides in the step that pushes, or promotes.

    *guarding* says for a payload, as it is behind client middleware, which keys and arguments the pieces
    of Lua get; None where the job is no concern of the guard. Each piece is the body of a function of
    ``KEYS``, ``ARGV``, ``JOB``, the bytes that are pushed, ``DUE``, when it is due (text, epoch
    seconds) or nil if that is now, and ``PROMOTING``, whether it was due before. *check* only reads: it
    returns nothing (or false) to permit the push, or text that says why not. *take* writes, once the job
    is where it belongs. Should it fail, the push is taken back, and *undo* runs for each guard whose
    *take* has begun: it removes what that may have written.

    A due job is asked about again when it is promoted, so *check* must let the job's own jid pass. If it
    does not permit it, the job stays in its set, and is due again in *again* seconds.

    *declined*, with payload and text, returns what the call that pushed returns in place of a jid (None by
    default), or raises what that raises. *in_tests* stands for Redis in the fake mode of ``kiq.testing``:
    with payload and the payloads of jobs that wait there, it returns why not, or None; *displaces* returns
    the jids of those that go when this one comes.

    *stamp* may write into the payload before it is encoded, at the first push: what has to be known of the
    job where it runs. It is called once or more, with what middleware has left.

    With *payload_field* jobs that have that field are guarded, and no others are looked at. Threads:
    whichever pushes; kiq's own at a promotion, where nothing may wait.
    """

    name: str
    guarding: Callable[[dict[str, Any]], Ride | None]
    check: str
    take: str = ""
    undo: str = ""
    declined: Callable[[dict[str, Any], str], str | None] | None = None
    in_tests: Callable[[dict[str, Any], Sequence[dict[str, Any]]], str | None] | None = None
    payload_field: str = ""
    again: float = 10.0
    stamp: Callable[[dict[str, Any]], object] | None = None
    displaces: Callable[[dict[str, Any], Sequence[dict[str, Any]]], Sequence[str]] | None = None

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise PluginError(f"a guard's name is a word in small letters, not {self.name!r}")
        if not self.check.strip():
            raise PluginError(f"guard {self.name}: it needs a check, which says whether to push")
        for function in (self.guarding, self.declined, self.in_tests, self.stamp, self.displaces):
            if function is not None:
                refuse_undone(f"a function of the guard {self.name}", function)

    def concerns(self, fields: Mapping[str, Any]) -> bool:
        """Tell whether it looks at jobs with these *fields*."""
        return not self.payload_field or self.payload_field in fields


class Guarded(NamedTuple):
    """A payload that is pushed if guards permit it: what the pieces of each get."""

    payload: dict[str, Any]
    rides: Sequence[tuple[Guard, Ride]]


class Declined(NamedTuple):
    """A payload that *guard* did not let pass, and *why*."""

    guard: Guard
    payload: dict[str, Any]
    why: str

    def answer(self) -> str | None:
        """Return what the caller gets in place of a jid. Raises what the guard wants to be raised."""
        declined = self.guard.declined
        if declined is None:
            return None
        answer = check_done(declined(self.payload, self.why), f"declined of {self.guard.name}")
        return None if answer is None else str(answer)

    def __str__(self) -> str:
        """Return how people are told."""
        jid, name = self.payload.get("jid"), self.payload["class"]
        return f"guard {self.guard.name} declined it: {self.why} [jid={jid} class={name}]"

    def tell(self, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        """Say it where nobody waits for the push any more; what the guard raises is reported."""
        logger.info("not pushed: %s", self)
        try:
            self.answer()
        except Exception as error:  # noqa: BLE001 (the push is over)
            where = {"context": f"guard {self.guard.name}", "jid": self.payload.get("jid")}
            report(error, where)


def stamped(guards: Sequence[Guard], payload: dict[str, Any]) -> None:
    """Let *guards* write into *payload* what they have to know of it later. Raises what they raise."""
    for guard in guards:
        if guard.stamp is not None and guard.concerns(payload):
            guard.stamp(payload)


def guarded(guards: Sequence[Guard], payload: dict[str, Any]) -> Guarded | None:
    """Return *payload* with what *guards* ask about it; None where nobody does. Raises what they raise."""
    rides = []
    for guard in guards:
        if guard.concerns(payload):
            ride = check_done(guard.guarding(payload), f"guarding of {guard.name}")
            if ride is not None:
                rides.append((guard, ride))
    return Guarded(payload, rides) if rides else None
