"""The thread that does what was said yes to, one thing at a time, beside the one that reads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigError, KiqError

#: Told what came of it: a value, or what was raised.
Told = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Course:
    """How far it is: *handled* of what is meant, after *looked_at* of *total* were looked at."""

    what: str
    looked_at: int = 0
    total: int = 0
    handled: int = 0


class Doer:
    """Runs one task at a time in a thread of its own. Threads: the application's, but for :meth:`step`."""

    def __init__(self) -> None:
        self.course: Course | None = None
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self.course is not None

    def start(self, what: str, task: Callable[[], Any], told: Told) -> bool:
        """Run *task* and hand over what it returns; False: another one is under way."""
        if self.busy:
            return False
        self.course, self._stopping = Course(what), False

        def run() -> None:
            try:
                found: Any = task()
            except KiqError as error:
                found = error
            except Exception as error:  # noqa: BLE001 (it is told, and the application goes on)
                found = ConfigError(f"{type(error).__name__}: {error}")
            self.course = None
            told(found)

        threading.Thread(target=run, name="kiq-top-doer", daemon=True).start()
        return True

    def step(self, looked_at: int, total: int, handled: int) -> bool:
        """Note how far it is; tell whether to go on. Threads: that of the task."""
        if self.course is not None:
            self.course = replace(self.course, looked_at=looked_at, total=total, handled=handled)
        return not self._stopping

    def stop(self) -> None:
        """Have it end after the batch that it is at."""
        self._stopping = True
