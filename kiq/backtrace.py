"""The traceback that a payload carries, as Sidekiq keeps it."""

from __future__ import annotations

import base64
import json
import traceback
import zlib
from collections.abc import Mapping
from typing import Any

from .raised import traceback_of

_FRAME_LIMIT = 1_000


def packed_backtrace(error: BaseException, lines: bool | int) -> str:
    """Return the traceback as Sidekiq keeps it: base64 of deflated JSON, innermost line first."""
    frames = traceback.extract_tb(traceback_of(error), limit=-_FRAME_LIMIT)
    text = [f"{f.filename}:{f.lineno}:in `{f.name}'" for f in reversed(frames)]
    if isinstance(lines, int) and lines is not True:
        text = text[: max(lines, 0)]
    packed = json.dumps([line.encode("utf-8", "replace").decode() for line in text]).encode()
    return base64.b64encode(zlib.compress(packed)).decode()


def backtrace_of(payload: Mapping[str, Any]) -> list[str]:
    """Return the traceback that *payload* carries, line by line ([] when it has none)."""
    packed = payload.get("error_backtrace")
    if not isinstance(packed, str):
        return []
    lines = json.loads(zlib.decompress(base64.b64decode(packed)))
    return [str(line) for line in lines]
