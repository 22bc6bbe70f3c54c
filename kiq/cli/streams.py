"""The standard streams, where a process was started without some of them (``kiq 2>&-``)."""

from __future__ import annotations

import os
import sys


def open_missing() -> None:
    """Open what is missing of the descriptors 0, 1 and 2, to nowhere.

    Else the next socket would get the number, and what a library writes to standard error would go to
    Redis.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            os.set_inheritable(descriptor, True)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 (for ever)
            setattr(sys, name, nowhere)
