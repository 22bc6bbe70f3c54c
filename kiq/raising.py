"""Raising an exception in another thread: what CPython offers, and how to be sure that it is over."""

from __future__ import annotations

import ctypes
import sys
import threading

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
