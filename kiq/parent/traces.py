"""Where the threads of a child are whose interpreter is held: written by C code, which needs it not."""

from __future__ import annotations

import faulthandler
import os
import re
import signal

_MOST = 256 * 1024  # bytes that are read of it
_BLOCK = re.compile(r"^(?=Thread 0x|Current thread 0x)", re.MULTILINE)
_KIQ = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
#: Where a thread waits that holds nothing up.
_WAITS = re.compile(r'File "[^"]*/(?:threading|selectors|socket|queue|select)\.py"')


def ask() -> int | None:
    """Return the signal that asks for it; None where there is none to spare."""
    return int(signal.SIGRTMAX) - 3 if hasattr(signal, "SIGRTMAX") else None


class Trace:
    """Made before the fork, in the parent, which reads it; the child writes. Nothing of it needs a disk.

    *file* is its descriptor, where a parent of before has made it; -1 where there are none.
    """

    def __init__(self, file: int | None = None) -> None:
        self.file = _new_file() if file is None else file
        self._read = os.fstat(self.file).st_size if self.file >= 0 else 0

    def offer(self) -> None:
        """Let C code write, in this process from now on, whenever the parent asks."""
        number = ask()
        if number is not None and self.file >= 0:
            faulthandler.register(number, file=self.file, all_threads=True)

    def text(self) -> str:
        """Return what was written since the last call, of threads that don't wait."""
        if self.file < 0:
            return ""
        found = os.pread(self.file, _MOST, self._read)
        self._read += len(found)
        blocks = _BLOCK.split(found.decode(errors="replace"))
        return "".join(block for block in blocks if not _waits(block)).rstrip()

    def close(self) -> None:
        """Let go of it."""
        if self.file >= 0:
            os.close(self.file)


def _new_file() -> int:
    return os.memfd_create("kiq-trace") if hasattr(os, "memfd_create") else -1


def _waits(block: str) -> bool:
    lines = block.splitlines()
    return len(lines) < 2 or _KIQ in lines[1] or bool(_WAITS.search(lines[1]))
