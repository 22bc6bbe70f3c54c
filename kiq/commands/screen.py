"""Where commands write: lines and tables for people, one JSON document for scripts."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

from ..cli.exit_codes import OUTPUT
from ..cli.streams import give_up_broken
from ..errors import StoreError
from .plain import plain
from .table import Column, render

_AT_ONCE = 50  # lines that are written together


def is_terminal() -> bool:
    """Tell whether a person reads standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int | None:
    """Return how many columns the terminal has; None where output goes to a file or a pipe."""
    return max(40, shutil.get_terminal_size().columns) if is_terminal() else None


def say(line: str = "") -> None:
    """Write a line to standard output, in colour where a terminal takes it."""
    write(f"{_encodable(line, sys.stdout)}\n")


def styled(text: str, **style: Any) -> str:
    """Return *text* in a style, where the terminal takes any: for :func:`draw`."""
    return text if _colour() is False else click.style(text, **style)


def draw(text: str) -> None:
    """Write *text* with what moves the cursor, also where no colours are wanted."""
    _write(text, True)


def write(text: str) -> None:
    """Write *text* to standard output. Where nobody reads that any more, the command ends in silence."""
    _write(text, _colour())


def _write(text: str, colour: bool | None) -> None:
    try:
        click.echo(text, nl=False, color=colour)
    except BrokenPipeError:
        give_up_broken()
        raise click.exceptions.Exit(OUTPUT) from None


def note(line: str) -> None:
    """Write a remark to standard error, out of the way of what a script reads.

    One that can't be written is no failure: what the command does matters more.
    """
    with suppress(OSError, ValueError):
        click.echo(_encodable(line, sys.stderr), err=True, color=_colour())


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Write a table; see :func:`kiq.commands.table.render`."""
    lines = render(columns, rows, width())
    while batch := list(itertools.islice(lines, _AT_ONCE)):
        say("\n".join(batch))


def document(value: Any) -> None:
    """Write one JSON document."""
    write(json.dumps(plain(value), indent=2 if is_terminal() else None) + "\n")


def stream(head: Mapping[str, Any], name: str, items: Iterable[Any]) -> None:
    """Write one JSON object: what *head* has, and under *name* the *items*, one on a line.

    It is written as it comes, so that it may be larger than memory. When Redis fails meanwhile the
    object is closed all the same, with an ``error``; the StoreError is raised.
    """
    start = json.dumps(plain(dict(head)))
    separator, texts = "\n", (json.dumps(plain(item)) for item in items)
    batch = list(itertools.islice(texts, _AT_ONCE))  # before a word is written: it may raise
    write(f"{start[:-1]}{', ' if head else ''}{json.dumps(name)}: [")
    try:
        while batch:
            write(separator + ",\n".join(batch))
            separator = ",\n"
            batch = list(itertools.islice(texts, _AT_ONCE))
    except StoreError as error:
        write(f'], "error": {json.dumps(str(error))}}}\n')
        raise
    write("]}\n")


def _colour() -> bool | None:
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return False if refused else None


def _encodable(line: str, stream: Any) -> str:
    """Return *line* with what the stream's encoding lacks written as an escape."""
    encoding = getattr(stream, "encoding", None) or "ascii"
    return line.encode(encoding, "backslashreplace").decode(encoding)
