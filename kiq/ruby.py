"""What a payload in JSON must be, as a Ruby Sidekiq may be the one that reads it."""

from __future__ import annotations

from .errors import PayloadError
from .payload import Payload, count_seconds
from .registry import registry


def counts_seconds(sidekiq: int) -> bool:
    """Tell whether Ruby's *sidekiq* of that major version reads times in seconds, not milliseconds."""
    return sidekiq < 8


def fit(payload: Payload, sidekiq: int) -> None:
    """Make *payload* one for Ruby's *sidekiq* of that major version.

    Raises PayloadError where it has keyword arguments and a class that may be Ruby's: it is only a name
    here, without the dot that the names of Python's classes have. Ruby would keep them, unread.
    """
    if counts_seconds(sidekiq):
        count_seconds(payload)
    name, kwargs = payload.get("class"), payload.get("kwargs")
    if not kwargs or not isinstance(name, str) or not isinstance(kwargs, dict):
        return  # whoever writes the payload has a word on its form
    if "." not in name and registry.find(name) is None:
        raise PayloadError(
            f"{name}: keyword arguments ({', '.join(map(str, kwargs))}) would be lost if this is a "
            "class of Ruby's: its Sidekiq reads 'args' alone. Pass them there, by position or in a dict "
            "at the end; if the class is Python's, import it where it is pushed"
        )
