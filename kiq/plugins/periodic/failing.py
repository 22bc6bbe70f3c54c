"""Entries whose ticks can't be done now: with growing pauses, whatever rings meanwhile."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ...clock import steady

_FIRST, _LONGEST = 5.0, 60.0  # seconds until what failed is tried again
_FIRST_UNFIT, _LONGEST_UNFIT = 15.0, 3600.0  # seconds between two offers of the duty to others


@dataclass(slots=True)
class _Failure:
    text: bytes | None  # the definition that failed: another is another matter
    times: int = 0
    until: float = 0.0  # steady clock


class Failures:
    """What one ticker knows of them. Threads: its ticker's."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failure] = {}
        self._unfit_at = 0.0  # steady clock
        self._unfit_pause = 0.0

    def __bool__(self) -> bool:
        return bool(self._failed)

    def names(self) -> list[str]:
        """Return whose ticks have failed, and were not done since."""
        return list(self._failed)

    def failed(self, name: str, text: bytes | None) -> None:
        """Note that a tick of the entry *name*, *text*, could not be done: it waits, longer each time."""
        one = self._failed.get(name)
        if one is None or one.text != text:
            one = self._failed[name] = _Failure(text)
        one.until = steady() + min(_LONGEST, _FIRST * 2**one.times)
        one.times = min(one.times + 1, 10)

    def done(self, name: str) -> None:
        """Note that it went."""
        self._failed.pop(name, None)

    def keep(self, due: Container[str]) -> None:
        """Forget those that are not *due* any more: another process has done them, or they are gone."""
        for name in [name for name in self._failed if name not in due]:
            del self._failed[name]

    def rung(self, name: str, text: bytes | None) -> None:
        """Note that something has happened: what is written in another way now is tried at once.

        So is what has failed once only; then a bell that rings with each job's end shortens no pause.
        """
        one = self._failed[name]
        if one.text != text:
            del self._failed[name]
        elif one.times == 1:
            one.until = 0.0

    def waits(self, name: str) -> float:
        """Return for how many seconds more *name* is left alone."""
        one = self._failed.get(name)
        return 0.0 if one is None else max(0.0, one.until - steady())

    def unfit(self) -> bool:
        """Tell whether to offer the duty to another process, which may be able to: now and then."""
        if not self._failed:
            self._unfit_pause = 0.0
            return False
        if steady() < self._unfit_at:
            return False
        self._unfit_pause = min(_LONGEST_UNFIT, 2 * self._unfit_pause or _FIRST_UNFIT)
        self._unfit_at = steady() + self._unfit_pause
        return True
