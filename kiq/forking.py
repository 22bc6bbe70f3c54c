"""Forking from a process that has booted the application: what happens on each side, in which order."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

from . import children
from .errors import BootError
from .plugin import Host
from .raised import message_of, name_of

logger = logging.getLogger("kiq.forking")

_SOFTWARE = 70  # EX_SOFTWARE: what a child ends with that can't be a worker
_HELD = {
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTIN),
    *(signal.SIGUSR2, signal.SIGCHLD),
}


#: Names of threads that were named in the log: each is once, at the first fork beside it.
_named: set[str] = set()


def fork(
    host: Host, child: Callable[[], int], say: Callable[[int, str, str], object] = logger.log
) -> int:
    """Fork a child, which ends with the exit code that *child* returns; return its pid.

    In this order: the handlers of ``before_fork``, here, with their errors raised as BootError; the fork,
    across which signals are held; in the child, where they have their default actions, the handlers of
    ``after_fork``, then *child*. If one of the handlers fails, the child says so and ends with 70, as
    Python would if *child* does; nothing of the caller's runs in it, no exit function either.

    Threads: the main one, with no other beside it: the child has only a copy of the thread that forks, and
    of what others held locked at that moment. Others are named in the log, each once; *say* writes there
    (level, text, argument). No round trips.
    """
    _strictly(host, "before_fork")
    _name_others(say)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # else the child has it to write, too
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        pid = os.fork()
        if not pid:
            _be(host, child, before)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be(host: Host, child: Callable[[], int], mask: Iterable[int]) -> NoReturn:
    """Be the child."""
    try:
        for number in _HELD:
            if signal.getsignal(number) is not signal.SIG_IGN:  # it is by nohup, say
                signal.signal(
                    number, signal.SIG_DFL
                )  # an inherited handler would act for the parent
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _strictly(host, "after_fork")
        code = child()
    except BootError as error:
        sys.stderr.write(f"kiq: {error}\n")
        code = _SOFTWARE
    except BaseException as error:  # noqa: BLE001 (nothing of the parent's may run in the child)
        children.end(error)
    children.end(SystemExit(code))


def _strictly(host: Host, event: str) -> None:
    try:
        host.events.emit_strictly(event)
    except Exception as error:
        raise BootError(
            f"a handler of {event} failed: {name_of(error)}: {message_of(error)}"
        ) from error


def _name_others(say: Callable[[int, str, str], object]) -> None:
    others = {one.name for one in threading.enumerate() if one is not threading.main_thread()}
    names = sorted(others - _named)
    _named.update(names)
    if names:
        say(
            logging.WARNING,
            "this process forks beside other threads (%s): what they hold locked at that moment stays "
            "locked in the child. Start them in a handler of after_fork or startup",
            ", ".join(names),
        )
