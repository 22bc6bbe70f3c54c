"""Parts of an application's lifespan, for the jobs on a worker's event loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from ...plugin import Host


class Lifespan:
    """The plugin ``fastapi``: enters *parts* on the event loop of each worker that has async jobs.

    A part is a function that returns an async context manager: one of those that the lifespan of the web
    application is made of. They are entered before the first job, one after the other, and left when the
    worker ends. What one raises stops the start; the application's whole lifespan is never run in a worker.
    """

    name = "fastapi"

    def __init__(self, *parts: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._parts = parts

    def install(self, host: Host) -> None:
        """Attach to *host*."""
        host.loop_parts.extend(self._parts)
