"""Keeping the state of a run: in Redis for a worker's job, nowhere for one that runs inline."""

from __future__ import annotations

import logging
import time
from importlib import resources
from typing import Any, Protocol

from ...api.home import Connection
from ...clock import wall
from ...errors import PayloadError, StoreError
from ...jid import new_jid
from ...keys import SUSPECTS
from ...keys import iteration as key
from .cursor import write_cursor
from .keys import ENDS, FINISHED_TTL, STATE_TTL
from .state import IterationState, cancel_commands, number, read_state

logger = logging.getLogger("kiq.iteration")

_SCRIPTS = resources.files("kiq.plugins.iteration") / "lua"
_CLAIM, _SAVE, _DROP = (
    _SCRIPTS.joinpath(f"{name}.lua").read_text("utf-8") for name in ("claim", "save", "drop")
)
_PAGE = 100  # states that are dropped at once
#: Pauses between attempts to save before the job is given back, in seconds.
_PAUSES = (0.1, 0.3, 1.0)


class Keeper(Protocol):
    """Where a run's state is kept."""

    #: Whether what is saved is still there in the next run: only then may a run be interrupted.
    lasting: bool
    #: Whether the last save was refused, as another run, begun after this one, goes on with the job.
    overtaken: bool

    def load(self) -> IterationState:
        """Return the state that earlier runs have left; from here on only this run may save it."""

    def check(self, state: IterationState) -> None:
        """Raise PayloadError if the cursor in *state* can't be kept."""

    def save(self, state: IterationState) -> bool:
        """Save *state*, and note in it if the job was cancelled; tell whether it is saved.

        Nothing is written where another run has begun since: *overtaken* is set.
        """

    def save_surely(self, state: IterationState) -> bool:
        """Save *state* with several attempts, within seconds."""

    def cancel(self) -> float:
        """Note that the job is cancelled; return since when (epoch seconds)."""

    def finish(self) -> None:
        """Note that the job has come to its end."""


class RedisKeeper:
    """Keeps the state of the job *jid* in Redis; *push* tells this job from another with its jid.

    Each run has a name: the state belongs to the one that began last. A process that was taken for dead,
    and wakes, may not write over what the run has saved that went on.
    """

    lasting = True
    overtaken = False

    def __init__(self, connection: Connection, jid: str, push: str, suspect: str = "") -> None:
        """*suspect* is the digest of a job that was in flight when a process died, else empty."""
        self._connection = connection
        self._jid = jid
        self._push = push
        self._run = new_jid()
        self._key = key(jid)
        self._suspect = suspect
        self._items = 0

    def load(self) -> IterationState:
        """One round trip. Raises StoreError, or PayloadError where the state is unreadable."""
        arguments = (self._run, self._push, STATE_TTL, self._key)
        found = self._connection.call(("EVAL", _CLAIM, 2, self._key, ENDS, *arguments))
        try:
            state = read_state(self._jid, found)
        except PayloadError as error:
            raise PayloadError(
                f"{self._key}: {error}; to begin anew, delete that key, or call "
                f"IterationState.find({self._jid!r}).delete()"
            ) from error
        self._items = state.items
        return state

    def check(self, state: IterationState) -> None:
        """Raise PayloadError if the cursor in *state* can't be kept."""
        write_cursor(state.cursor)

    def save(self, state: IterationState) -> bool:
        """One round trip. Raises PayloadError for a cursor that can't be kept, nothing else."""
        fields = self._fields(state)
        try:
            cancelled = self._write(STATE_TTL, fields, advanced=state.items > self._items)
        except StoreError as error:
            logger.warning("the state of the iteration could not be saved: %s", error)
            return False
        if cancelled is not None and state.cancelled_at is None:
            state.cancelled_at = number(cancelled)
        return not self.overtaken

    def save_surely(self, state: IterationState) -> bool:
        """At most four round trips."""
        if self.save(state):
            return True
        return any(not self.overtaken and _after(pause, self.save, state) for pause in _PAUSES)

    def _write(self, kept: int, fields: dict[str, Any], *, advanced: bool = False) -> bytes | None:
        """Write *fields*, unless the state is a later run's; return since when the job is cancelled.

        It is *kept* for so many seconds. *advanced*: items were done in this run. Whatever killed the
        last one, it was not this job alone.
        """
        pairs = [each for pair in fields.items() for each in pair]
        # Its end each time: Sidekiq sets it once, and a job of more than 30 days loses its state.
        cleared = self._suspect if advanced else ""
        names, arguments = (self._key, SUSPECTS, ENDS), (self._run, kept, cleared, self._key)
        reply: list[bytes | None] | None = self._connection.call(
            ("EVAL", _SAVE, 3, *names, *arguments, *pairs)
        )
        self.overtaken = reply is None
        if cleared and reply is not None:
            self._suspect = ""
        return reply[0] if reply else None

    def _fields(self, state: IterationState) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "ex": state.executions,
            "c": write_cursor(state.cursor),
            "rt": round(state.runtime, 6),
            "n": state.items,
            "p": state.position,
        }
        if state.total is not None:
            fields["of"] = state.total
        if state.done_at is not None:
            fields["done"] = round(state.done_at, 3)
        return fields

    def cancel(self) -> float:
        """One round trip. Raises StoreError."""
        return number(self._connection.exchange(cancel_commands(self._jid))[1])

    def finish(self) -> None:
        """One round trip; a Redis that is away is only logged, as the job has been done."""
        try:
            self._write(FINISHED_TTL, {"fin": self._push})
        except StoreError as error:
            logger.warning("the end of the iteration could not be noted: %s", error)


def drop_ended(connection: Connection) -> int:
    """Drop the states that are kept no longer; return how many. Raises StoreError.

    They have no TTL: a full Redis might evict what has one, and jobs would do all their items again.
    One round trip, and two for each hundred.
    """
    dropped = 0
    while True:
        # Our own clock, as a first guess: the script goes by that of Redis.
        names = connection.call(("ZRANGEBYSCORE", ENDS, "-inf", wall(), "LIMIT", 0, _PAGE))
        gone = names and connection.call(("EVAL", _DROP, 1 + len(names), ENDS, *names, *names))
        if not gone:
            return dropped
        dropped += gone


class NoKeeper:
    """Keeps nothing: the job runs inline, from its beginning to its end."""

    lasting = False
    overtaken = False

    def load(self) -> IterationState:
        """Return a new state."""
        return IterationState()

    def check(self, state: IterationState) -> None:
        """Raise PayloadError if a worker could not keep the cursor in *state*."""
        write_cursor(state.cursor)

    def save(self, state: IterationState) -> bool:  # noqa: ARG002
        """Nothing to do."""
        return True

    def save_surely(self, state: IterationState) -> bool:  # noqa: ARG002
        """Nothing to do."""
        return True

    def cancel(self) -> float:
        """Return the time."""
        return time.time()

    def finish(self) -> None:
        """Nothing to note."""


def _after(pause: float, save: Any, state: IterationState) -> bool:
    time.sleep(pause)
    return bool(save(state))
