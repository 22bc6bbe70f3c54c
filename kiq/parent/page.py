"""A page: memory that the parent and one child share, in which they tell each other how it is."""

from __future__ import annotations

import mmap
import os

_PHASE, _BEAT, _JOBS, _FINISH, _PERMIT, _HEARD, _STUCK, _QUIET, _SERIAL = range(9)
_HEAD = 4096  # bytes of the values
_ROOM = 512 << 10  # of a report, its length in front; there are two, so that one is always whole
_SIZE = _HEAD + 2 * _ROOM  # none of it takes memory before it is written
_LENGTH = 8
_TRIES = 3


class Page:
    """Made before the fork. Each value has one writer, and is written whole: eight bytes at once.

    It needs no lock and no system call, so that a child which is stuck can't keep the parent waiting.
    *file* is its descriptor, where a parent of before has made it; -1 where there are none.
    """

    def __init__(self, file: int | None = None) -> None:
        self.file = _new_file() if file is None else file
        size = _SIZE if file is None else os.fstat(file).st_size  # of a kiq of before, perhaps
        self._memory = mmap.mmap(self.file, size)
        self._view = memoryview(self._memory)
        self._values = self._view[:_HEAD].cast("d")

    @property
    def phase(self) -> int:
        """How far the child has come; the child writes it."""
        return int(self._values[_PHASE])

    @phase.setter
    def phase(self, phase: int) -> None:
        self._values[_PHASE] = phase

    @property
    def beat(self) -> float:
        """When the child's main thread came round last (steady clock); the child writes it."""
        return self._values[_BEAT]

    @beat.setter
    def beat(self, now: float) -> None:
        self._values[_BEAT] = now

    @property
    def jobs(self) -> int:
        """How many runs of jobs the child has settled, where there is a limit; the child writes it."""
        return int(self._values[_JOBS])

    @jobs.setter
    def jobs(self, count: int) -> None:
        self._values[_JOBS] = count

    @property
    def heard(self) -> float:
        """When Redis answered the child last (steady clock), 0 while it does not; the child writes it."""
        return self._values[_HEARD]

    @heard.setter
    def heard(self, at: float) -> None:
        self._values[_HEARD] = at

    @property
    def stuck(self) -> bool:
        """Whether a thread of the child does not get on that is kiq's own; the child writes it."""
        return self._values[_STUCK] > 0

    @stuck.setter
    def stuck(self, it_is: bool) -> None:
        self._values[_STUCK] = float(it_is)

    @property
    def quiet(self) -> bool:
        """Whether the child takes no more jobs; the child writes it."""
        return self._values[_QUIET] > 0

    @quiet.setter
    def quiet(self, it_is: bool) -> None:
        self._values[_QUIET] = float(it_is)

    @property
    def finish(self) -> bool:
        """Whether the child is to take no more jobs, and to end when the last has; the parent writes it."""
        return self._values[_FINISH] > 0

    @finish.setter
    def finish(self, wanted: bool) -> None:
        self._values[_FINISH] = float(wanted)

    @property
    def permit(self) -> float:
        """Until when its leases may be renewed for the child (steady clock); the parent writes it."""
        return self._values[_PERMIT]

    @permit.setter
    def permit(self, until: float) -> None:
        self._values[_PERMIT] = until

    def write(self, report: bytes) -> bool:
        """Let the parent read *report* from now on; False if it is too large. The child's."""
        if len(report) > _ROOM - _LENGTH:
            return False
        serial = int(self._values[_SERIAL]) + 1
        at = _HEAD + serial % 2 * _ROOM
        self._view[at : at + _LENGTH] = len(report).to_bytes(_LENGTH, "little")
        self._view[at + _LENGTH : at + _LENGTH + len(report)] = report
        self._values[_SERIAL] = (
            serial  # only now: a child that is killed amid leaves the one before
        )
        return True

    def read(self) -> bytes:
        """Return the last report; nothing where there is none. The parent's."""
        for _ in range(_TRIES):
            serial = int(self._values[_SERIAL])
            if not serial or len(self._view) < _SIZE:
                return b""
            at = _HEAD + serial % 2 * _ROOM
            length = int.from_bytes(self._view[at : at + _LENGTH], "little")
            report = bytes(self._view[at + _LENGTH : at + _LENGTH + min(length, _ROOM - _LENGTH)])
            if serial == int(self._values[_SERIAL]):
                return report
        return b""

    def close(self) -> None:
        """Give the memory back."""
        self._values.release()
        self._view.release()
        self._memory.close()
        if self.file >= 0:
            os.close(self.file)


def _new_file() -> int:
    if not hasattr(os, "memfd_create"):
        return -1
    file = os.memfd_create("kiq-page")
    os.ftruncate(file, _SIZE)
    return file
