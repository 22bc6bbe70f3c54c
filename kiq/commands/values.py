"""Durations, moments and fleets as people write them on a command line."""

from __future__ import annotations

import re
from datetime import datetime

import click

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = r"(\d+(?:\.\d+)?)(s|min|m|h|d|w)"
_LONGEST = 3_000_000_000  # seconds: a century is longer than any job waits


def seconds(text: str) -> float:
    """Read ``90``, ``90s``, ``10m``, ``1h30m``, ``7d``, ``2w``. Raises BadParameter."""
    word = re.sub(r"\s", "", text.lower())
    if re.fullmatch(r"\d+(\.\d+)?", word):
        value = float(word)
    elif re.fullmatch(f"({_PART})+", word):
        value = sum(float(count) * _UNITS[unit] for count, unit in re.findall(_PART, word))
    else:
        raise click.BadParameter(f"{text!r} is no duration: write 90s, 10m, 1h30m, 7d")
    if value > _LONGEST:
        raise click.BadParameter(f"{text!r} is longer than any job waits")
    return value


def moment(text: str) -> float:
    """Read epoch seconds, or an ISO date and time with its zone; return epoch seconds.

    Raises BadParameter.
    """
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text):
        return float(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no moment: write 2030-01-31T12:00:00+01:00, or epoch seconds"
        ) from None
    if when.tzinfo is None:
        raise click.BadParameter(
            f"{text!r} has no time zone, and so means another moment on another machine: "
            "end it with Z or +01:00"
        )
    return when.timestamp()


def fleet(text: str) -> tuple[str, str]:
    """Read ``NAME=URL``. Raises BadParameter."""
    name, equals, url = text.partition("=")
    if not (name and equals and url):
        raise click.BadParameter(f"{text!r} is no NAME=URL")
    return name, url
