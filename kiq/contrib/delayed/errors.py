"""What goes wrong with jobs in the manner of Delayed Job."""

from __future__ import annotations

from ...errors import ConfigError, KiqError


class NotDelayable(ConfigError):
    """A method, a class or an object that was not opted in, or that could not be found again."""


class RefNotFound(KiqError, LookupError):
    """What a reference means is not there: its store was asked, and said so."""
