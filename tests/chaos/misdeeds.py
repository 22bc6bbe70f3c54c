"""What jobs do that they should not: each is a function that raises, harms its process, or ends it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable

import kiq


class Oddity(BaseException):
    """What nobody catches by accident."""


class Unprintable(Exception):
    """Asks the program to end when it is turned into text."""

    def __str__(self) -> str:
        raise SystemExit(5)


# What raises


def _recurses() -> None:
    _recurses()


def _interrupts() -> None:
    raise KeyboardInterrupt


def _closes_a_generator() -> None:
    raise GeneratorExit


def _is_odd() -> None:
    raise Oddity("odd")


def _is_unprintable() -> None:
    raise Unprintable


def _shuts_down() -> None:
    raise kiq.Shutdown


def _talks_long() -> None:
    raise ValueError("x" * 50_000_000)


def _talks_dirty() -> None:
    raise ValueError("\ud800 \x00 \x1b[2J \x07 \u202e line\nanother {braces} %s %(name)d")


def _goes_in_circles() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__, second.__context__ = second, first
    raise first


def _digs_deep() -> None:
    # Raised anew at each level: a traceback of 100,000 frames without as many calls.
    error = ValueError("deep")
    for _ in range(100_000):
        try:
            raise error
        except ValueError:
            pass
    raise error


# What harms the process, and returns


def _closes_its_output() -> None:
    os.close(1)
    os.close(2)


def _leaks_descriptors() -> None:
    """Open files until no more can be opened, keep them for a while, and close them."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    held: list[int] = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        threading.Event().wait(1.5)
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _leaves_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,), name="left-behind").start()


def _takes_over_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _changes_folder() -> None:
    os.chdir("/")


def _blocks() -> None:
    never = threading.Lock()
    never.acquire()
    never.acquire()


def _changes_the_mask() -> None:
    os.umask(0o777)


# What harms the process for a while, and is over when it returns


def _leaves_no_room_for_threads() -> None:
    """Let no thread be started, as at a limit of the container's pids: small things still have room."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    with open("/proc/self/statm", encoding="ascii") as sizes:
        now = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 6_000_000, most))  # a thread's stack takes 8 MB
    try:
        threading.Event().wait(2)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _holds_the_interpreter(seconds: float) -> Callable[[], object]:
    return lambda: ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


# What ends the process


def _leaves_in_silence() -> None:
    os._exit(0)


def _leaves_with_3() -> None:
    os._exit(3)


def _reads_from_nowhere() -> None:
    ctypes.string_at(0)


def _kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


#: What a job may raise; the process must live, and try it again.
RAISES: dict[str, Callable[[], object]] = {
    "exit": lambda: sys.exit(3),
    "interrupt": _interrupts,
    "generator": _closes_a_generator,
    "oddity": _is_odd,
    "memory": lambda: bytearray(1 << 62),
    "recursion": _recurses,
    "unprintable": _is_unprintable,
    "long message": _talks_long,
    "dirty message": _talks_dirty,
    "cyclic causes": _goes_in_circles,
    "deep traceback": _digs_deep,
    "signal handler": _takes_over_signals,  # refused by Python: only the main thread may
}

#: What harms the process in some way; it must go on working, and end in order.
HARMS: dict[str, Callable[[], object]] = {
    "closes 1 and 2": _closes_its_output,
    "leaks descriptors": _leaks_descriptors,
    "leaves a thread": _leaves_a_thread,
    "changes folder": _changes_folder,
    "changes the umask": _changes_the_mask,
}

#: What harms the process for some seconds. The last one is longer than a short lease and six looks.
PASSES: dict[str, Callable[[], object]] = {
    "leaves no room for threads": _leaves_no_room_for_threads,
    "holds the interpreter": _holds_the_interpreter(3),
    "holds the interpreter for long": _holds_the_interpreter(12),
}

#: What ends the process at once; its jobs must be done by another. With the exit code.
ENDS: dict[str, tuple[Callable[[], object], int]] = {
    "_exit(0)": (_leaves_in_silence, 0),
    "_exit(3)": (_leaves_with_3, 3),
    "segfault": (_reads_from_nowhere, -signal.SIGSEGV),
    "abort": (os.abort, -signal.SIGABRT),
    "kill": (_kills_itself, -signal.SIGKILL),
}

MISDEEDS: dict[str, Callable[[], object]] = {
    "shutdown": _shuts_down,
    "blocks": _blocks,
    **RAISES,
    **HARMS,
    **PASSES,
    **{how: deed for how, (deed, _) in ENDS.items()},
}
