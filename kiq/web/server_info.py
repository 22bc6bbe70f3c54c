"""What Redis says of itself (INFO), at most five seconds old."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ..errors import StoreError, StoreUnavailable
from .fleets import Fleet

_KEEP = 5.0  # seconds


def info_of(fleet: Fleet) -> Mapping[str, str]:
    """Return the fields of INFO, none where it is not allowed. One round trip; StoreUnavailable."""
    return fleet.look("info", functools.partial(_read, fleet), keep=_KEEP)


def _read(fleet: Fleet) -> Mapping[str, str]:
    try:
        found = fleet.home.call(("INFO",))
    except StoreUnavailable:
        raise
    except StoreError:
        return {}  # not allowed here
    if isinstance(found, bytes):
        lines = found.decode(errors="replace").splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
    return {str(name): str(value) for name, value in found.items()}
