"""Threads that nobody traces: under a tracer, CPython 3.11 can't raise exceptions in other threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """Start threads without a tracer, and run this one without; as it was before, afterwards."""
    ours, theirs = sys.gettrace(), threading.gettrace()
    threading.settrace(None)  # type: ignore[arg-type]
    sys.settrace(None)
    try:
        yield
    finally:
        threading.settrace(theirs)  # type: ignore[arg-type]
        sys.settrace(ours)


@contextmanager
def restless() -> Iterator[None]:
    """Let threads take turns every 0.2 ms, untraced: what is raised in them arrives anywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    try:
        with untraced():
            yield
    finally:
        sys.setswitchinterval(before)
