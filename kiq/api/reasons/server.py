"""What keeps a job in the server itself: a Redis that is full."""

from __future__ import annotations

from collections.abc import Iterator

from ..explaining import Reason
from ..finding import Found
from ..home import Connection


def reasons(home: Connection, found: Found) -> Iterator[Reason]:
    """Yield that Redis is full: then nothing new is pushed. One round trip."""
    (info,) = home.replies([("INFO", "memory")])
    if not isinstance(info, bytes):
        return
    lines = (line.partition(":") for line in info.decode(errors="replace").splitlines())
    facts = {name: value.strip() for name, _, value in lines}
    used, most = (int(facts.get(name) or 0) for name in ("used_memory", "maxmemory"))
    if most and used >= most and facts.get("maxmemory_policy", "noeviction") == "noeviction":
        text = "Redis is full: what is pushed is refused, and so is what jobs write"
        yield Reason("redis_full", text, "kiq doctor", stops=found.where == "nowhere")
