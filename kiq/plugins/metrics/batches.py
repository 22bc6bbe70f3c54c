"""Batches: what a flush writes, as commands that may be sent twice and count once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from ...store.scripts import Command
from . import keys
from .tally import Measured, Minutes

_SCRIPT = (resources.files("kiq.plugins.metrics") / "flush.lua").read_text("utf-8")
_CLASSES = 100  # of one batch: the script holds Redis up for a few milliseconds at most


class Batches:
    """Numbers batches, and rounds times to the milliseconds that Redis counts.

    What rounding takes off is added next time, so that a million jobs of 0.1 ms count as 100 s.
    *sidekiq* is the major version of Ruby's whose keys they go to. Threads: one at a time.
    """

    def __init__(self, identity: str, sidekiq: int = 8) -> None:
        self._sidekiq = sidekiq
        self._written = keys.written(identity)
        self._number = 0
        self._rests: dict[tuple[str, str], float] = {}

    def commands(self, minutes: Minutes) -> list[Command]:
        """Return the commands that write *minutes*; to be sent in this order, and again until answered."""
        return [
            self._command(minute, measured[at : at + _CLASSES])
            for minute, classes in sorted(minutes.items())
            for measured in (list(classes.items()),)
            for at in range(0, len(measured), _CLASSES)
        ]

    def _command(self, minute: int, classes: Sequence[tuple[str, Measured]]) -> Command:
        self._number += 1
        at = keys.moment(minute)
        ten = keys.floor(at, keys.TEN_MINUTES)
        names = (
            self._written,
            keys.runs(at, keys.MINUTE, self._sidekiq),
            keys.runs(ten, keys.TEN_MINUTES),
            keys.waits(at, keys.MINUTE),
            keys.waits(ten, keys.TEN_MINUTES),
            *(keys.histogram(name, at, self._sidekiq) for name, _ in classes),
        )
        batch = [self._row(name, measured) for name, measured in classes]
        text = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))
        lives = (keys.WRITTEN_TTL, keys.MINUTES_TTL, keys.TENS_TTL)
        return ("EVAL", _SCRIPT, len(names), *names, self._number, *lives, text)

    def _row(self, name: str, measured: Measured) -> list[Any]:
        return [
            name,
            measured.succeeded + measured.failed,
            measured.failed,
            self._milliseconds((name, "ran"), measured.ran),
            _counted(measured.run_times),
            measured.waits,
            self._milliseconds((name, "waited"), measured.waited),
            _counted(measured.wait_times),
        ]

    def _milliseconds(self, of: tuple[str, str], seconds: float) -> int:
        exact = seconds * 1000 + self._rests.get(of, 0.0)
        whole = int(exact)
        self._rests[of] = exact - whole
        return whole


def _counted(counts: Sequence[int]) -> list[int]:
    """Return the buckets that hold something as ``[bucket, count, ...]``."""
    return [part for at, count in enumerate(counts) if count for part in (at, count)]
