"""Text in hidden fields of forms: browsers change ends of lines in it, and drop some characters."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_CHANGED = re.compile(r"[%\x00-\x1f\x7f-\x9f]")


def field(text: object) -> str:
    """Return *text* as a hidden field carries it: control characters, and ``%``, as ``%0A``."""
    return _CHANGED.sub(lambda found: quote(found[0], safe=""), str(text))


def carried(value: str) -> str:
    """Return the text that a hidden field carried."""
    return unquote(value, errors="replace")
