"""The handler: writes whole lines, at once or some milliseconds later, and never raises."""

from __future__ import annotations

import io
import logging
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TextIO

from ..kept import Kept

_PAUSE = 0.025  # seconds that a line of a job may wait for others
_BREATH = 0.005  # ... and one that is in a hurry, in a storm of them
_MOST = 10_000  # lines that may wait: who says more writes them itself
_PIPE_PIECE = (
    4_096  # bytes (PIPE_BUF): more at once may be torn by another process on the same pipe
)
_FILE_PIECE = 1 << 20
_HANDLE = logging.Handler.handle
#: A line, or what one is made of.
Waiting = str | tuple[Any, ...]


class DroppingHandler(logging.StreamHandler[TextIO]):
    """Writes lines; one that can't be written is counted in :attr:`dropped`, and never raises.

    A job must not fail, nor its verdict be delayed, because a disk is full. Where *stream* has a file
    behind it, lines go there past its buffer: what others print can't stand in the midst of one.

    Threads: any.
    """

    #: How many lines could not be written since the process started: a full disk, a closed stream.
    dropped: ClassVar[int] = 0

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: deque[Waiting] = deque()
        self._soon: Soon | None = None
        #: Makes lines of what was put and is none yet.
        self.finish: Callable[[list[Waiting]], str] = _joined
        #: Counts how often what waits was written.
        self.turns = 0
        if type(stream) is io.TextIOWrapper and not stream.closed:
            # What is printed goes in whole lines as well, and in time.
            stream.reconfigure(line_buffering=True, write_through=False)

    def handle(self, record: logging.LogRecord) -> Any:
        """Do as ``logging`` does, but make the line without the lock: only writing takes it."""
        if logging.Handler.handle is not _HANDLE:
            return super().handle(record)  # somebody wants to see each record
        passed: Any = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, behind what waits; characters that the stream can't hold are escaped."""
        try:
            line = self.format(record) + self.terminator
        except Exception:  # noqa: BLE001 (whatever a formatter raises, it is not the job's)
            self.handleError(record)
            return
        self._waiting.append(line)
        self.flush()

    def put(self, line: Waiting, *, hurry: bool = False) -> None:
        """Write *line* soon, or now if none was written lately. Only where :meth:`may_wait`.

        What :attr:`finish` makes a line of may be put in its place. *hurry*: in a few milliseconds. Who
        wrote it himself would give up the interpreter, and ten threads that do hand it round.
        """
        soon = self._soon
        self._waiting.append(line)
        if soon is None or soon.rests or len(self._waiting) > _MOST:
            self.flush()
            if soon is not None:
                soon.call()
        elif hurry:
            soon.hurry()

    @property
    def may_wait(self) -> bool:
        """Whether there is a thread that writes what was put."""
        return self._soon is not None

    def write_soon(self) -> None:
        """Begin to let lines wait that are put. Raises RuntimeError when no thread can be had."""
        if self._soon is None:
            soon = Soon(self)
            soon.start()
            self._soon = soon
            os.register_at_fork(after_in_child=self._forked)

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            self._write_what_waits()
        finally:
            self.release()

    def _write_what_waits(self) -> None:
        lines = self._taken()
        self.turns += 1
        try:
            if lines:
                self._write(self.finish(lines))
        except Exception:  # noqa: BLE001 (whatever the stream raises, it is not the job's)
            DroppingHandler.dropped += len(lines)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Count the line as dropped; there is nowhere left to say so."""
        DroppingHandler.dropped += 1

    def _taken(self) -> list[Waiting]:
        lines: list[Waiting] = []
        try:
            for _ in range(len(self._waiting)):
                lines.append(self._waiting.popleft())
        except IndexError:
            pass  # a signal handler that logs has been here, on this very thread
        return lines

    def _write(self, text: str) -> None:
        stream = self.stream
        encoding = getattr(stream, "encoding", None) or "ascii"
        descriptor = _descriptor(stream)
        if descriptor is not None:
            _write_all(descriptor, text.encode(encoding, "backslashreplace"))
            return
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()

    def _forked(self) -> None:
        # The parent writes what waits, and its thread is not here.
        self._soon = None
        self._waiting.clear()


class Soon:
    """The thread that writes what has waited long enough.

    Threads: any may :meth:`call`.
    """

    def __init__(self, handler: DroppingHandler) -> None:
        self.rests = True  # nothing has been written for as long as a line may wait
        self._handler = handler
        self._called = threading.Event()
        self._hurried = threading.Event()
        self._never = threading.Event()
        self._thread = Kept(self._run, "kiq-job-log")

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""
        self._thread.start()

    def call(self) -> None:
        """Write what comes from now on when it has waited."""
        self.rests = False
        self._called.set()

    def hurry(self) -> None:
        """Write what has been put in a few milliseconds."""
        if not self._hurried.is_set():
            self._hurried.set()
            self.call()

    def _run(self) -> None:
        while True:
            self._called.wait()
            if self._hurried.wait(_PAUSE):
                self._never.wait(_BREATH)
            # In this order: a line that is put before it rests is written now, a later one calls.
            self._called.clear()
            self._hurried.clear()
            self.rests = True
            self._handler.flush()


def _joined(lines: list[Waiting]) -> str:
    return "".join(map(str, lines))


def _descriptor(stream: TextIO) -> int | None:
    """Return where *stream* writes to in the end; None when only it knows."""
    if type(stream) is not io.TextIOWrapper:
        return None
    try:
        return stream.fileno()
    except io.UnsupportedOperation:
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    piped: Any = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    for piece in _pieces(data, _PIPE_PIECE if piped else _FILE_PIECE):
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                _until_writable(descriptor)


def _until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Yield *data* in pieces of *size* bytes at most that end with a line, where lines are that short."""
    start = 0
    while len(data) - start > size:
        end = data.rfind(b"\n", start, start + size) + 1 or data.find(b"\n", start + size) + 1
        yield data[start : end or len(data)]
        start = end or len(data)
    yield data[start:]
