"""The Lua of results."""

from __future__ import annotations

from importlib import resources


def read(name: str) -> str:
    """Return the text of the piece *name*."""
    return (resources.files(__name__) / f"{name}.lua").read_text("utf-8")
