"""Standard streams that are missing, full or read by nobody: commands end in order all the same."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import Any

import click


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


def complain(line: str) -> None:
    """Write *line* to standard error, if it can be written."""
    with suppress(OSError, ValueError):
        click.echo(line, err=True)


def was_writing(error: OSError) -> bool:
    """Tell whether *error* came from writing what a command has to say: click writes it all."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__")).startswith("click.")


def give_up_broken() -> None:
    """Let go nowhere what broken streams still hold: Python would try once more at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and _fails(stream):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def _fails(stream: Any) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        return True
    return False
