"""What systemd is told, and whoever else sets ``NOTIFY_SOCKET``: ready, stopping, and that it is alive.

Nothing of it waits: what can't be sent now is sent at the next look.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

from ..clock import steady

_SOCKET, _PERIOD, _PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_WHOLE_LINE = str.maketrans({"\n": " ", "\r": " "})


class Notifier:
    """Tells it, if there is anybody to be told. Threads: one.

    It takes the variables out of *environ*: what jobs start must not speak for this process.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        names = (_SOCKET, _PERIOD, _PID)
        #: The variables, for what this process is to be next.
        self.variables = {name: environ.pop(name) for name in names if name in environ}
        self._at = self.variables.get(_SOCKET, "")
        self._at = "\0" + self._at[1:] if self._at.startswith("@") else self._at
        period = self.variables.get(_PERIOD, "")
        mine = self.variables.get(_PID, "") in ("", str(os.getpid()))
        #: Seconds between two signs of life, half of what systemd waits for one; 0 where it does not.
        self.period = int(period) / 2e6 if mine and period.isdecimal() and self._at else 0.0
        self._told: dict[str, str] = {}
        self._owed: list[str] = []
        self._next = float("-inf")

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self._at)

    def ready(self) -> None:
        """Tell that it takes jobs; once, and again after :meth:`reloading`."""
        self._note("STATE", "READY=1")

    def reloading(self) -> None:
        """Tell that it takes new code and settings; :meth:`ready` ends that."""
        self._note("STATE", f"RELOADING=1\nMONOTONIC_USEC={_monotonic_microseconds()}")

    def stopping(self) -> None:
        """Tell that it ends."""
        self._note("STATE", "STOPPING=1")

    def status(self, text: str) -> None:
        """Tell people what it does, if that is not what they were told last."""
        self._note("STATUS", f"STATUS={text.translate(_WHOLE_LINE)}")

    def look(self, *, alive: bool) -> None:
        """Send what is owed, and the sign of life that is due if it is *alive*. Call it often."""
        while self._owed and self._send(self._owed[0]):
            del self._owed[0]
        now = steady()
        if self.period and alive and now >= self._next and self._send("WATCHDOG=1"):
            self._next = now + self.period

    def _note(self, kind: str, text: str) -> None:
        if not self._at or self._told.get(kind, "").partition("\n")[0] == text.partition("\n")[0]:
            return
        self._told[kind] = text
        if kind == "STATUS":
            self._owed = [one for one in self._owed if not one.startswith("STATUS=")]
        self._owed.append(text)

    def _send(self, text: str) -> bool:
        """Send *text*; False where that can't be done now."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
                mouth.setblocking(False)
                mouth.sendto(text.encode(), self._at)
            return True
        except OSError:
            return False  # its buffer is full, or it is not there: systemd itself may be restarted


def _monotonic_microseconds() -> int:
    return time.monotonic_ns() // 1000
