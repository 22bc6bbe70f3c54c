"""A job of a batch that ends in any way, the callbacks of batches, and what Redis has of them."""

from __future__ import annotations

import threading
from typing import Any

import kiq

#: Lets jobs end that wait.
gate = threading.Event()
#: What callbacks have run: what they were given, and the batch that each was of.
told: list[tuple[str, str]] = []
ran: list[Any] = []


class Part(kiq.Job, name="batched.Part", queue="out", retry=3):
    """Ends as it is told to."""

    def perform(self, how: str = "ends", number: int = 0) -> None:
        """End as *how* says."""
        ran.append(number)
        if how == "waits":
            for _ in range(2_000):  # it can be interrupted between two
                if gate.wait(0.01):
                    break
        if how == "fails":
            raise ValueError("on purpose")
        if how == "fails for now" and not gate.is_set():
            raise ValueError("on purpose")
        if how == "snoozes":
            raise kiq.Snooze(3600)
        if how == "asks for a retry":
            raise kiq.Retry(3600)
        if how == "kills" or (how == "kills for now" and not gate.is_set()):
            raise kiq.Kill("on purpose")
        if how == "adds":
            assert self.batch
            with self.batch:
                Part.perform_async("ends", number + 1)
        if how == "nests":
            with batch("inner"):
                Part.perform_async("ends", number + 1)
        if how == "discards":
            raise kiq.Discard("on purpose")

    def retry_in(self, count: int, error: BaseException, payload: Any) -> float:
        """Long after the test."""
        return 3600.0


class Told(kiq.Job, name="batched.Told", queue="out"):
    """A callback."""

    def perform(self, what: str) -> None:
        """Note of which batch."""
        batch = self.batch
        told.append((what, batch.bid if batch else ""))


def batch(description: str = "some", **more: Any) -> kiq.Batch:
    """Return a batch with a callback for each event."""
    events = {f"on_{event}": Told.args(event) for event in ("success", "complete", "death", "end")}
    return kiq.Batch(description, **{**events, **more})


def status(one: kiq.Batch) -> kiq.api.BatchStatus:  # type: ignore[name-defined]
    """Return how it is."""
    found = one.status()
    assert found is not None
    return found


def clear() -> None:
    """Forget what ran."""
    gate.clear()
    told.clear()
    ran.clear()


def fail(_pushed: object) -> None:
    """Raise what ends a block."""
    raise ValueError("no")
