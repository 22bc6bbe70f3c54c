"""The command line behind ``:``: what its words mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..wording import did_you_mean
from .picture import Place
from .views import SUBJECTS, VIEWS


@dataclass(frozen=True, slots=True)
class Wish:
    """What a command asks for: a *place*, a *fleet* by its number, to *leave*; or what is wrong with it."""

    place: Place | None = None
    fleet: int | None = None
    leave: bool = False
    problem: str = ""


def understood(text: str, fleets: Sequence[str]) -> Wish:
    """Return what *text* means, typed behind ``:``: ``retries class:Mail``, ``fleet shop``, ``quit``."""
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word in ("q", "quit", "exit"):
        return Wish(leave=True)
    if word == "fleet":
        if rest in fleets:
            return Wish(fleet=fleets.index(rest))
        return Wish(problem=f"there is no fleet {rest!r}; there are {', '.join(fleets)}")
    if word in SUBJECTS:
        if not rest:
            return Wish(problem=f"say which: {word} {SUBJECTS[word]}")
        return Wish(place=Place(word, rest))
    if word in VIEWS:
        return Wish(place=Place(word, wanted=rest))
    if not word:
        return Wish()
    return Wish(problem=f"{word!r} is no command{did_you_mean(word, words(fleets))}")


def words(fleets: Sequence[str]) -> list[str]:
    """Return what a command may begin with."""
    more = [f"fleet {name}" for name in fleets] if len(fleets) > 1 else []
    return [*sorted(VIEWS), *more, "quit"]
