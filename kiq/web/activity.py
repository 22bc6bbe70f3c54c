"""Who did what by the UI, when, and what came of it: written before the act, completed after it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..api import Connection
from ..clock import wall
from . import keys

_MOST = 1000  # entries that are kept
_LONGEST = 300  # characters of a text that is kept


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. *at* is epoch seconds; *outcome* is "" while it is not known, or was never told."""

    key: str
    at: float
    visitor: str
    action: str
    what: Mapping[str, str]
    outcome: str = ""


class Activity:
    """The log of a fleet: a list of at most 1,000 entries in its Redis."""

    def __init__(self, home: Connection) -> None:
        self._home = home

    def begin(self, visitor: str, action: str, what: Mapping[str, str], *, key: str = "") -> Entry:
        """Note that somebody is about to act. One round trip; raises StoreError: then it must not be done.

        *key* is that of the form, if it has one.
        """
        short = {name: text[:_LONGEST] for name, text in what.items()}
        entry = Entry(key or secrets.token_hex(8), wall(), visitor[:_LONGEST], action, short)
        self._home.exchange(
            (("LPUSH", keys.ACTIVITY, _written(entry)), ("LTRIM", keys.ACTIVITY, 0, _MOST - 1))
        )
        return entry

    def end(self, entry: Entry, outcome: str) -> None:
        """Note what came of it. One round trip; raises StoreError."""
        told = Entry(
            entry.key, entry.at, entry.visitor, entry.action, entry.what, outcome[:_LONGEST]
        )
        # A second entry of the same key: the list is only ever added to, so nobody's is overwritten.
        self._home.exchange(
            (("LPUSH", keys.ACTIVITY, _written(told)), ("LTRIM", keys.ACTIVITY, 0, _MOST - 1))
        )

    def entries(self, most: int = 100) -> list[Entry]:
        """Return the newest, each once, with its outcome. One round trip."""
        raws = self._home.call(("LRANGE", keys.ACTIVITY, 0, _MOST - 1))
        found: dict[str, Entry] = {}
        for raw in raws:
            entry = _read(raw)
            if entry is not None:
                found.setdefault(entry.key, entry)
        return sorted(found.values(), key=lambda entry: -entry.at)[:most]

    def find(self, key: str) -> Entry | None:
        """Return the entry *key*; None where there is none, or no more. One round trip."""
        return next((entry for entry in self.entries(_MOST) if entry.key == key), None)


def _written(entry: Entry) -> str:
    return json.dumps(
        [entry.key, entry.at, entry.visitor, entry.action, dict(entry.what), entry.outcome]
    )


def _read(raw: bytes) -> Entry | None:
    """Read one; None for what another program wrote there."""
    try:
        key, at, visitor, action, what, outcome = json.loads(raw.decode(errors="replace"))
        words: dict[str, Any] = dict(what)
        named = {str(name): str(text) for name, text in words.items()}
        return Entry(str(key), float(at), str(visitor), str(action), named, str(outcome))
    except (ValueError, TypeError, RecursionError):
        return None
