"""Values as a person reads them; nothing that a payload holds can act on a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

from .json_values import plain

LONGEST = 2000  # characters of a value that a row of a table has room for
_SPLIT = ((86_400, "d"), (3_600, "h"), (60, "min"))


def visible(text: str) -> str:
    """Return *text* with everything that is no printable character written as an escape.

    So are control characters, what turns the direction of writing, ends of lines and halves of
    characters, whoever put them into a payload.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def lines_of(text: str) -> list[str]:
    """Return the lines of *text*, each :func:`visible`, with tabs as blanks."""
    return [visible(line.replace("\t", "    ")) for line in re.split(r"\r\n|\n|\r", text)]


def number(value: int) -> str:
    """Return ``1,234,567``."""
    return f"{value:,}"


def counted(value: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 job``, ``1,234 jobs``."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return *seconds* in one or two units: ``0.4 s``, ``17 s``, ``5 min``, ``3 h 20 min``, ``12 d``."""
    if seconds != seconds or abs(seconds) > 1e12:
        return "?"
    if seconds < 10:
        return "0 s" if seconds < 0.05 else f"{seconds:.1f} s"
    whole = int(seconds)
    for at, (size, name) in enumerate(_SPLIT):
        count, rest = divmod(whole, size)
        if count:
            smaller, unit = _SPLIT[at + 1] if at + 1 < len(_SPLIT) else (1, "s")
            rest //= smaller
            return f"{count} {name} {rest} {unit}" if rest and count < 10 else f"{count} {name}"
    return f"{whole} s"


def brief(seconds: float) -> str:
    """Return what a run took, where :func:`duration` is too coarse: ``12 ms``, ``340 ms``, ``1.5 s``."""
    if 0 < seconds < 0.001:
        return "<1 ms"
    return f"{seconds * 1000:.0f} ms" if 0 <= seconds < 0.9995 else duration(seconds)


def rate(value: float) -> str:
    """Return so many a second: ``0.4/s``, ``1,200/s``."""
    return f"{value:,.0f}/s" if value >= 10 else f"{value:.1f}/s"


def moment(at: float | None, now: float) -> str:
    """Return when *at* is, seen from *now*: ``in 5 min``, ``12 s ago``; ``?`` where there is no time."""
    if at is None or at != at:
        return "?"
    if at == float("inf"):
        return "never"
    return f"in {duration(at - now)}" if at > now else f"{duration(now - at)} ago"


def megabytes(kilobytes: int) -> str:
    """Return memory of a process: ``93 MB``, ``1.2 GB``."""
    size = kilobytes / 1024
    return f"{size:.0f} MB" if size < 1000 else f"{size / 1024:.1f} GB"


def arguments(args: list[Any], kwargs: dict[str, Any], longest: int = LONGEST) -> str:
    """Return the arguments of a call, as JSON without its outer brackets: ``"Bob", 5, retries=3``.

    What goes beyond *longest* characters is cut off, with an ellipsis.
    """
    try:
        parts = [_as_json(each, longest) for each in args]
        parts += [f"{name}={_as_json(value, longest)}" for name, value in kwargs.items()]
    except RecursionError:
        return "(nested too deeply to show)"
    return limited(", ".join(parts), longest)


def limited(text: str, longest: int = LONGEST) -> str:
    """Return at most *longest* characters of *text*, visible; an ellipsis says that more was there."""
    return visible(text[:longest]) + ("…" if len(text) > longest else "")


def _as_json(value: Any, longest: int) -> str:
    if isinstance(value, str):
        value = value[: longest + 1]  # beyond that nobody sees it
    if isinstance(value, bytes):
        return repr(value[: longest + 1])
    return json.dumps(plain(value), ensure_ascii=False)


def _escaped(character: str) -> str:
    code = ord(character)
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
