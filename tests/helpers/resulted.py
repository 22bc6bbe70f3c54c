"""A job whose result is wanted, and which ends in any way."""

from __future__ import annotations

import threading
import time
from typing import Any

import kiq

#: Lets jobs end that wait.
gate = threading.Event()
#: Jids whose runs have begun.
begun: list[str] = []


class Told(kiq.Job, name="resulted.Any", queue="out", retry=3):
    """Ends as it is told to."""

    def perform(self, how: str = "returns", value: Any = None) -> Any:
        """End as *how* says."""
        begun.append(self.jid)
        if how == "waits":
            gate.wait(20)
        if how == "fails" or (how == "fails once" and self.attempt == 1):
            raise ValueError("on purpose")
        if how == "snoozes":
            raise kiq.Snooze(3600)
        if how == "kills":
            raise kiq.Kill("on purpose")
        if how == "discards":
            raise kiq.Discard("on purpose")
        if how == "can't travel":
            return {"a": [object()]}
        if how == "goes on":
            self.progress(1, 4, "begun")
            time.sleep(0.02)
            self.progress(3, note="nearly")
            gate.wait(20)
        if how == "tells much":
            for number in range(value):
                self.progress(number + 1, value)
                if number % 30 == 29:
                    time.sleep(0.001)  # so that it lasts for a while
        if how == "tells, fails":
            self.progress(2, 4, "half")
            raise ValueError("on purpose")
        return value


class Awaited(kiq.Job, name="resulted.Async", queue="out", retry=0):
    """The same on an event loop."""

    async def perform(self, value: Any = None) -> Any:
        """Tell, and return."""
        self.progress(1, 2)
        if value == "fails":
            raise ValueError("on purpose")
        return value


@kiq.job(name="resulted.function", queue="out")
def function(value: int) -> int:
    """Tell, and return."""
    kiq.progress(value, total=value)
    return value


def wanted(ttl: float = 60.0, **more: Any) -> Any:
    """Return the class, with results for *ttl* seconds."""
    return Told.set(result_ttl=ttl, **more)
