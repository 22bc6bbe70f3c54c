"""Raising an exception in another thread: what CPython offers, and how to be sure that it is over."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable

#: In CPython 3.11 an exception that waits for a thread in C code makes every *traced* thread spin
#: (a debugger, coverage): the process would hang past its deadline.
_TRACED_THREADS_SPIN = sys.version_info < (3, 12)


class _Absorbed(BaseException):
    """Takes the place of an exception that must not arrive any more."""


def possible() -> bool:
    """Tell whether an exception can be raised in other threads here."""
    return not (_TRACED_THREADS_SPIN and threading.gettrace())


def send(ident: int | None, error: type[BaseException]) -> bool:
    """Raise *error* in the thread *ident* when it runs Python code next; False if it can't be.

    It replaces one that was sent before and has not arrived.
    """
    if ident is None or not possible():
        return False
    return bool(
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(error))
    )


def absorb() -> None:
    """Return when nothing that was sent to this thread can arrive any more.

    What was sent before may be raised by this call, once: then call it again. Sent without asking
    whether it is possible: another thread may have begun to trace since.
    """
    try:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_Absorbed)
        )
        while True:
            pass
    except _Absorbed:
        return


#: Held by whoever interrupts a thread; never by one that is interrupted, as it could be left locked.
_interrupting = threading.Lock()


class Interruptible:
    """What a thread does for a while, and others may interrupt meanwhile, but not later.

    Both sides agree without a lock that the thread would have to take, each by two steps in this order:

    - the thread says that it is over, by one plain assignment, in the middle of which no exception can
      arrive; then it looks whether it was :attr:`_hailed`, and if so it waits in :meth:`_calm`;
    - who interrupts says that it is here, then looks whether it goes on, and acts only then.

    So either the one sees that it is over, or the other that it was hailed: then it goes on when that
    is decided, and when nothing that was raised can arrive any more. Who is not disturbed pays for one
    look at an attribute.
    """

    __slots__ = ("_deciding", "_hailed")

    def __init__(self) -> None:
        self._hailed = False  # somebody interrupts, or did so since this was last set
        self._deciding = False  # ... and has not decided yet whether it is over

    def _interrupt(self, goes_on: Callable[[], bool], act: Callable[[], bool]) -> bool:
        """Return what *act* returns, or False without it where *goes_on* says no. By another thread."""
        with _interrupting:
            self._deciding = self._hailed = True
            try:
                return goes_on() and act()
            finally:
                self._deciding = False

    def _calm(self, abandoned: Callable[[], bool]) -> None:
        """Return when nothing that was raised can arrive any more; that may be raised here: call again.

        *abandoned* says that nobody is left who would decide: this is a child that was forked meanwhile.
        """
        while self._deciding and not abandoned():
            time.sleep(0.0001)
        absorb()
