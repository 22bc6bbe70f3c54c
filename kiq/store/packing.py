"""Commands as bytes."""

from __future__ import annotations

import threading
from _thread import get_ident
from collections.abc import Sequence
from typing import Any

from .scripts import Command, Packed

_NUMBERS = frozenset({int, float})


def packed(connection: Any, commands: Sequence[Command | Packed]) -> list[bytes]:
    """Return the bytes that redis-py's *connection* sends for *commands*.

    In the main thread numbers become text before. There hiredis lets Python's signal handlers run
    while it packs a number, and crashes when one raises, as that of Ctrl-C does.
    """
    if get_ident() == threading.main_thread().ident:
        commands = [
            tuple([repr(part) if type(part) in _NUMBERS else part for part in command])
            for command in commands
        ]
    pieces: list[bytes] = connection.pack_commands(commands)
    return pieces
