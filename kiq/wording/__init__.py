"""Words for people: what commands, pages and checks show of values, times and names. Pure."""

from __future__ import annotations

from .json_values import plain
from .masking import HIDDEN, is_secret, masked
from .naming import did_you_mean
from .text import (
    LONGEST,
    arguments,
    brief,
    counted,
    duration,
    limited,
    lines_of,
    megabytes,
    moment,
    number,
    rate,
    visible,
)

__all__ = [
    "HIDDEN",
    "LONGEST",
    "arguments",
    "brief",
    "counted",
    "did_you_mean",
    "duration",
    "is_secret",
    "limited",
    "lines_of",
    "masked",
    "megabytes",
    "moment",
    "number",
    "plain",
    "rate",
    "visible",
]
