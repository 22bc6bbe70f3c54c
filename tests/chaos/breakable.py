"""A log handler and event handlers that break while a file says so: a plugin for workers under test.

The files stand in the worker's working folder: ``log-raises``, ``log-hangs``, ``handler-raises``,
``handler-hangs``. What hangs goes on when its file is gone.
"""

from __future__ import annotations

import logging
import os
import threading

import kiq
from kiq.events import EVENTS

WHAT = ("log", "handler")
#: The setting that attaches it.
BREAKABLE = "[tests.chaos.breakable:Breakable]"


def _break(what: str) -> None:
    while os.path.exists(f"{what}-hangs"):
        threading.Event().wait(0.05)
    if os.path.exists(f"{what}-raises"):
        raise OSError("the network is down")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _break("log")


class Breakable:
    """The plugin. Behind kiq's own handler: what the worker says can be read all the same."""

    name = "breakable"

    def install(self, host: kiq.Host) -> None:
        """Add the handlers; at ``startup`` nothing breaks, as that would be the end of the start."""
        logging.getLogger("kiq").addHandler(_Handler())
        for event in EVENTS:
            if event != "startup":
                host.on(event)(self._handle)

    def _handle(self) -> None:
        _break("handler")
