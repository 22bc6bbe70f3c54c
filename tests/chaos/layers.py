"""Client middleware that does, at a promotion, what the payload's field ``promotion`` says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import kiq
from tests.chaos.misdeeds import Oddity


def _raises(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def _takes(seconds: float) -> Callable[[], object]:
    return lambda: threading.Event().wait(seconds)


#: What raises something that no layer should.
ENDS: dict[str, Callable[[], object]] = {
    "exits": lambda: sys.exit(3),
    "is cancelled": _raises(asyncio.CancelledError()),
    "is interrupted": _raises(KeyboardInterrupt()),
    "closes a generator": _raises(GeneratorExit()),
    "is odd": _raises(Oddity("odd")),
}

DEEDS: dict[str, Callable[[], object]] = {
    **ENDS,
    "fails": _raises(RuntimeError("this layer fails")),
    "takes 10 s": _takes(10),
    "takes 2 s": _takes(2),
    "takes 20 ms": _takes(0.02),
    "never returns": _takes(3600),
    "kills": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "leaves": lambda: os._exit(0),
}


class Layers:
    """The plugin. A payload without the field passes."""

    name = "layers"

    def install(self, host: kiq.Host) -> None:
        """Add the layer."""
        host.around_push(self.act)

    @staticmethod
    def act(context: kiq.ClientContext, call_next: Callable[..., Any]) -> Any:
        """Misbehave as the payload says, at a promotion only."""
        deed = context.payload.get("promotion")
        if context.promoting and deed is not None:
            DEEDS[deed]()
        return call_next(context)


#: The setting that attaches it.
PLUGINS = "['tests.chaos.layers:Layers']"
