"""A look over all entries, now and then: those that have lost their tick, or whose clock was ahead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from typing import Any

from ...clock import steady
from ..declared.periodic_entry import Definition
from . import keys
from .pieces import drop_orphans, pass_over, revive

logger = logging.getLogger("kiq.periodic")

_REST = 60.0  # seconds between two looks
_A_DAY = 86_400
_KEPT_UNSEEN = 7 * _A_DAY  # seconds for which an application may be away

Exchange = Callable[..., Sequence[Any]]
Read = Callable[[str, bytes], Definition]


class Overlook:
    """Looks a piece at a time, so that no tick waits for it. Threads: its ticker's."""

    def __init__(self, exchange: Exchange, read: Read) -> None:
        self._exchange, self._read = exchange, read
        self._look: Generator[None] | None = None
        self._at = 0.0  # steady clock

    def forget(self) -> None:
        """Begin anew: what was half seen is old."""
        self._look, self._at = None, 0.0

    @property
    def looking(self) -> bool:
        """Whether a look is not at its end."""
        return self._look is not None

    def go_on(self, now: float, seconds: float) -> None:
        """Look for so many *seconds*, if it is time to. *now* is Redis's clock. Raises StoreError."""
        until = steady() + seconds
        if self._look is None and steady() >= self._at:
            self._look = self._all(now)
        while self._look is not None and steady() < until:
            try:
                next(self._look)
            except StopIteration:
                self._look, self._at = None, steady() + _REST

    def _all(self, now: float) -> Generator[None]:
        flat, due, sets = self._exchange(
            ("HGETALL", keys.ENTRIES),
            ("ZRANGE", keys.DUE, 0, -1, "WITHSCORES"),
            ("HGETALL", keys.SETS),
        )
        yield
        cursors = dict(zip(due[::2], due[1::2], strict=True))
        for raw, text in zip(flat[::2], flat[1::2], strict=True):
            self._one(raw.decode(errors="replace"), text, cursors.get(raw), now)
            yield
        for app in _long_unseen(sets, now):
            for gone in self._exchange(drop_orphans(app, _KEPT_UNSEEN))[0]:
                name = gone.decode(errors="replace")
                self._exchange(("DEL", keys.history(name), keys.outcomes(name)))
                logger.warning(
                    "periodic job %s is no more: no process of its application %s has been seen for a week",
                    name,
                    app.decode(errors="replace"),
                )
            yield

    def _one(self, name: str, text: bytes, score: bytes | None, now: float) -> None:
        if score is not None and int(float(score)) - now < _A_DAY:
            return
        try:
            following = self._read(name, text).after(now)
        except ValueError:
            return  # it is told when it is due, and by kiq periodic
        if following is None:
            return
        if score is None:
            if self._exchange(revive(name, text, following))[0]:
                logger.warning("periodic job %s had lost its next tick: it is due again", name)
        elif int(float(score)) - following > _A_DAY:
            logger.warning("periodic job %s: Redis's clock was ahead; it is due again", name)
            self._exchange(pass_over(name, int(float(score)), text, following, "clock", "-"))


def _long_unseen(sets: Sequence[bytes], now: float) -> list[bytes]:
    """Return the applications of which no process has been seen for so long."""
    seen = {app: said.split(b" ")[1:2] for app, said in zip(sets[::2], sets[1::2], strict=True)}
    return [
        app
        for app, at in seen.items()
        if at and at[0].isdigit() and int(at[0]) < now - _KEPT_UNSEEN
    ]
