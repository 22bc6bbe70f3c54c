"""What Redis is asked about limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...store.scripts import Command, Script, remember
from . import keys as own
from .lua import read
from .terms import Held, pieces

#: The piece by which jobs and blocks leave.
LEAVE = read("common") + read("leave")


def _script(name: str, end: str = "") -> Script:
    script = Script(f"limits_{name}", read("common") + read(name) + end)
    remember(script)
    return script


_ASK, _LEAVE, _RENEW = _script("ask"), _script("leave", "return 1\n"), _script("renew")
_LOOK, _ADJUST = _script("look"), _script("adjust")


class Answer(NamedTuple):
    """What Redis said: *place* is the limit that is reached, None if there is room.

    *seconds* until there may be room, None where nobody knows; *since* is when it began to wait (epoch
    seconds, as text), *before* how many wait that came earlier. *gone*: the delivery is over.
    """

    place: int | None = None
    seconds: float | None = None
    since: str = "0"
    before: int = 0
    gone: bool = False


def ask(
    limits: Sequence[Held],
    who: str,
    holder: str,
    *,
    flight: Sequence[Any] = (),
    lease: float | None = None,
    queue_up: bool = False,
) -> Command:
    """Return the command that asks whether *who* may go on, as *holder*; :func:`read_answer` reads that.

    *flight* are the keys in which a delivery may be, and its field, for a job. *lease* is seconds, for a
    block; with *queue_up* it stands in line while it asks again.
    """
    names, args = pieces(limits)
    key, *bands, delivery = flight or (own.of(limits[0].id)[-1], "")
    about = (who, holder, delivery, "" if lease is None else lease, "1" if queue_up else "")
    return _ASK((key, own.LIMITS, *own.CALLING, *names, *bands), (*about, *args))


def read_answer(reply: Any) -> Answer:
    """Return what *reply* says."""
    word = reply[0]
    if word != b"wait":
        return Answer(gone=word == b"gone")
    seconds = float(reply[2]) if reply[2] else None
    return Answer(int(reply[1]) - 1, seconds, reply[3].decode(), int(reply[4]))


def leave(
    limits: Sequence[Held],
    who: str,
    holder: str,
    what: str = "over",
    *,
    waits: tuple[int, bytes, str] | None = None,
    closes: tuple[int, float] | None = None,
    ago: float = 0.0,
) -> tuple[list[str], list[Any]]:
    """Return keys and arguments of :data:`LEAVE`.

    *waits*: for which limit, by its place, the bytes in the scheduled set, since when. *closes*: which,
    by its place, and for how many seconds. *ago*: seconds since the run ended.
    """
    names, args = pieces(limits, decide=False)
    place, raw, since = waits or (-1, b"", "")
    closed, seconds = closes or (-1, "")
    about = (who, holder, what, place + 1, raw, since, seconds, closed + 1, f"{ago:.6f}")
    return [*own.CALLING, *names], [*about, *args]


def leaving(*args: Any, **more: Any) -> Command:
    """Return the command for what :func:`leave` gets."""
    return _LEAVE(*leave(*args, **more))


def stays(held: Held, holder: str, seconds: float) -> Command:
    """Return the command that keeps *holder* in for so many seconds; 0 if it was out."""
    return _RENEW((own.of(held.id)[0],), (holder, seconds))


def look(held: Held) -> Command:
    """Return the command that asks how a limit stands."""
    return _LOOK(*pieces([held], decide=False))


def adjust(held: Held, more: int) -> Command:
    """Return the command by which something took so much *more* than was said at first."""
    names, args = pieces([held], decide=False)
    return _ADJUST((*own.CALLING, *names), (more, *args))
