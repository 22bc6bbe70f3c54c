"""Pushes jobs by keys drawn by chance, or each key until it is taken; notes what came of each.

``python storm.py MODULE storm NAME KEYS SECONDS RATE`` or ``... probe NAME KEYS SECONDS``. MODULE has
a function ``push(key, ident)``, which returns False where a job is there already.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections.abc import Callable

from notes import note

Push = Callable[[str, str], bool]


def _push(push: Push, key: str, ident: str) -> bool:
    try:
        taken = push(key, ident)
    except Exception as error:  # the server is away: whether the job is there is not known
        note("unknown", key, ident, type(error).__name__)
        time.sleep(0.2)
        return False
    note("taken" if taken else "refused", key, ident)
    return taken


def _storm(push: Push, name: str, keys: int, seconds: float, rate: float) -> None:
    began, number = time.monotonic(), 0
    while (now := time.monotonic()) < began + seconds:
        number += 1
        _push(push, f"k{random.randrange(keys)}", f"{name}-{number}")
        time.sleep(max(0.0, began + number / rate - now))


def _probe(push: Push, name: str, keys: int, seconds: float) -> None:
    began, number = time.monotonic(), 0
    left = [f"k{key}" for key in range(keys)]
    while left and time.monotonic() < began + seconds:
        number += 1
        left = [key for key in left if not _push(push, key, f"{name}-{key}-{number}")]
        time.sleep(0.5)


if __name__ == "__main__":
    module, what, *words = sys.argv[1:]
    chosen: Push = importlib.import_module(module).push
    if what == "storm":
        _storm(chosen, words[0], int(words[1]), float(words[2]), float(words[3]))
    else:
        _probe(chosen, words[0], int(words[1]), float(words[2]))
