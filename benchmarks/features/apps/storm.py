"""Pushes jobs by keys drawn by chance, or each key until it is taken; notes what came of each.

``python storm.py MODULE storm NAME KEYS SECONDS RATE`` or ``... probe NAME KEYS SECONDS``. MODULE has
a function ``push(key, ident)``, which returns False where a job is there already. ``... batches NAME
COUNT SIZE`` pushes batches by MODULE's ``push_batch(key, idents)``, ``... backlog NAME COUNT`` jobs of a
key each.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from notes import note

_BETWEEN_BATCHES = 0.25  # seconds: workers keep up, and callbacks don't wait behind other batches

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


def _batches(push_batch: Callable[[str, list[str]], None], count: int, size: int) -> None:
    for number in range(count):
        key = f"b{number}"
        try:
            push_batch(key, [f"{key}-{each}" for each in range(size)])
            note("batch", key)
        except Exception as error:  # the server is away: whether the batch is there is not known
            note("unknown", key, key, type(error).__name__)
        time.sleep(_BETWEEN_BATCHES)


def _main(module: str, what: str, name: str, *figures: str) -> None:
    app: Any = importlib.import_module(module)
    if what == "storm":
        _storm(app.push, name, int(figures[0]), float(figures[1]), float(figures[2]))
    elif what == "probe":
        _probe(app.push, name, int(figures[0]), float(figures[1]))
    elif what == "batches":
        _batches(app.push_batch, int(figures[0]), int(figures[1]))
    else:
        for number in range(int(figures[0])):
            _push(app.push, f"k{number}", f"{name}-{number}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
