"""Wait for something to come true, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    predicate: Callable[[], T], timeout: float = 5, *, interval: float = 0.005, message: str = ""
) -> T:
    """Call *predicate* until it returns something true, and return that.

    An AssertionError inside it counts as "not yet". Fails after *timeout* seconds with *message*,
    or with what the predicate last said.
    """
    deadline = time.monotonic() + timeout
    while True:
        complaint: AssertionError | None = None
        try:
            value = predicate()
        except AssertionError as error:
            complaint, last = error, str(error)
        else:
            if value:
                return value
            last = f"it was still {value!r}"
        if time.monotonic() > deadline:
            what = message or getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"not within {timeout} s: {what} ({last})") from complaint
        time.sleep(interval)
