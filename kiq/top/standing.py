"""Where somebody stands: the views that lead to each other, and since when Redis is away. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .picture import Place

_SILENT = 4.0  # seconds without a picture, after which that is said


@dataclass(slots=True)
class Path:
    """The places that led here, the last of them is what is looked at. Each remembers pages before it."""

    places: list[Place] = field(default_factory=lambda: [Place("now")])
    _begins: list[str] = field(default_factory=list)

    @property
    def here(self) -> Place:
        """What is looked at."""
        return self.places[-1]

    def begin(self, place: Place) -> None:
        """Go to a view from above."""
        self.places = [place]
        self._begins = []

    def enter(self, place: Place) -> None:
        """Go to what lies behind a row."""
        self.places.append(place)
        self._begins = []

    def turn(self, view: str) -> None:
        """Look at another view instead, through the same filter."""
        self.places[-1] = replace(self.here, view=view, begin="")
        self._begins = []

    def filter(self, wanted: str) -> None:
        """Look through a filter, from the first page."""
        self.places[-1] = replace(self.here, wanted=wanted, begin="")
        self._begins = []

    def back(self) -> bool:
        """Go back: to a view without a filter, else to the place before. False: this is the first."""
        self._begins = []
        if len(self.places) == 1:
            had = bool(self.here.wanted or self.here.begin)
            self.filter("")
            return had
        self.places.pop()
        return True

    def page_on(self, behind: str | None) -> bool:
        """Go to the next page; False where there is none."""
        if behind is None:
            return False
        self._begins.append(self.here.begin)
        self.places[-1] = replace(self.here, begin=behind)
        return True

    def page_back(self) -> bool:
        """Go to the page before; False where there is none."""
        if not self._begins:
            return False
        self.places[-1] = replace(self.here, begin=self._begins.pop())
        return True


@dataclass(slots=True)
class Weather:
    """How Redis is, from what reading comes to. Times are those of a clock that only goes on (seconds)."""

    interval: float
    since: float
    problem: str = ""
    away: bool = False

    def good(self, now: float) -> None:
        """A picture came."""
        self.since, self.problem, self.away = now, "", False

    def bad(self, problem: str, away: bool) -> None:
        """None came."""
        self.problem, self.away = problem, away

    def told(self, now: float) -> str:
        """Return what is to be said; "" while all is well."""
        age = max(0, int(now - self.since))
        if self.away:
            why = self.problem.removeprefix("Redis can't be reached: ")
            return f"Redis away for {age} s: {why}"
        if self.problem:
            return self.problem
        if now - self.since > _SILENT + 2 * self.interval:
            return f"no answer for {age} s"
        return ""


def neighbour(names: Sequence[str], name: str, by: int) -> str:
    """Return the name that stands *by* places behind *name* in a ring; the first where it is not in it."""
    return names[(names.index(name) + by) % len(names)] if name in names else names[0]
