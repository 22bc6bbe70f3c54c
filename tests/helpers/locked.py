"""Jobs with a lock, by the plugin of ``docs/plugins.md``, and what Redis has of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import redis

import kiq
from kiq.codec import decode

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def text_of_locks() -> str:
    """Return the module ``locks`` of the page."""
    (text,) = re.findall(r"```python\n(# locks\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(text)


_module: dict[str, Any] = {"__name__": "locks"}
exec(text_of_locks(), _module)  # noqa: S102 (our own page)
Locks: Any = _module["Locks"]
HOLDER, TAKE, FREE = (str(_module[name]) for name in ("HOLDER", "TAKE", "FREE"))


class Locked(kiq.Job, name="locked.Locked", queue="out", retry=3, lock="import"):
    """Has a lock; it fails, or ends, as it is told to."""

    def perform(self, how: str = "ends") -> None:
        """End as *how* says."""
        if how == "fails":
            raise ValueError("on purpose")
        if how == "kills":
            raise kiq.Kill("on purpose")


class Free(kiq.Job, name="locked.Free", queue="out"):
    """Has none."""

    def perform(self, number: int = 0) -> None:
        """Do nothing."""


def holder(raw: redis.Redis, lock: str = "import") -> str | None:
    """Return the jid that *lock* belongs to."""
    found: Any = raw.get(f"lock:{lock}")
    return found and str(found.decode())


def jids_in(raw: redis.Redis, *keys: str) -> list[str]:
    """Return the jids in queues and sets, as they lie there."""
    found: list[str] = []
    for key in keys or ("queue:out", "schedule", "retry", "dead"):
        ranged: Any = raw.lrange if key.startswith("queue:") else raw.zrange
        found += [decode(each)[0]["jid"] for each in ranged(key, 0, -1)]
    return found
