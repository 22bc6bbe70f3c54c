"""What somebody is asked before it is done: the sentence, the command that does the same, and how."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..fleets import Fleet
from ..picture import Place, Row

#: Called with how many were looked at, of how many, and how many were handled; False: stop here.
Steps = Callable[[int, int, int], bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is meant: *rows*, or (*everything*) all that the filter of the *place* means, *at* a time."""

    fleet: Fleet
    place: Place
    rows: Sequence[Row]
    at: float
    everything: bool = False

    @property
    def subjects(self) -> Sequence[Any]:
        """What the rows show."""
        return [row.subject for row in self.rows]


@dataclass(frozen=True, slots=True)
class Deed:
    """*question* is asked, *details* are lines below it; *commands* do the same by hand.

    *do* does it, and returns what it came to. *typed* is what has to be typed instead of y, or "".
    """

    question: str
    do: Callable[[Steps], str]
    details: Sequence[str] = ()
    commands: Sequence[str] = ()
    typed: str = ""


#: Makes the question. May look; raises ConfigError for what can't be meant, StoreError.
Prepare = Callable[[Scope], Deed]


@dataclass(frozen=True, slots=True)
class Act:
    """A *key*, the *word* for what it does, and what makes the question, of rows and of *many*."""

    key: str
    word: str
    prepare: Prepare
    many: Prepare | None = None


def command(*words: str) -> str:
    """Return a command to be pasted into a shell: quoted, and printable whatever a name holds."""
    return " ".join(("kiq", *map(_quoted, words)))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    # Bytes of other characters than these are written as escapes, which the shell reads.
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(each: str) -> str:
    if each in "\\'":
        return f"\\{each}"
    if each.isprintable():
        return each
    return "".join(f"\\x{byte:02x}" for byte in each.encode("utf-8", "surrogateescape"))
