"""The Lua of batches."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def read(name: str) -> str:
    """Return the text of the piece *name*, behind the functions that pieces share."""
    folder = resources.files(__name__)
    return "".join((folder / f"{each}.lua").read_text("utf-8") for each in ("shared", name))
