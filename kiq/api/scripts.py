"""The Lua scripts of the data API, sent whole: an administrator's call can spare the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from ..store.scripts import Command


class Script:
    """One Lua script: called with keys and arguments, it returns the command that runs it."""

    def __init__(self, name: str, *shared: str) -> None:
        own = (resources.files("kiq.api") / "lua" / f"{name}.lua").read_text("utf-8")
        self._text = "".join(shared) + own

    def __call__(self, keys: Sequence[str], args: Sequence[Any] = ()) -> Command:
        return ("EVAL", self._text, len(keys), *keys, *args)


# The bell is the store's: what enters a queue by the API wakes a worker as a push does.
_RING = (resources.files("kiq.store") / "lua" / "ring.lua").read_text("utf-8")
_FORGET = (resources.files("kiq.api") / "lua" / "forget.lua").read_text("utf-8")

delete = Script("delete", _FORGET)
delete_queued = Script("delete_queued")
to_queue = Script("to_queue", _RING, _FORGET)
to_set = Script("to_set", _FORGET)
clear_set = Script("clear_set")
clear_queue = Script("clear_queue")
find_held = Script("find_held")
find_queued = Script("find_queued")
queue_page = Script("queue_page")
sample = Script("sample")
names = Script("names")
queues = Script("queues")
pause = Script("pause")
unpause = Script("unpause")
set_page = Script("set_page")
set_place = Script("set_place")
stats = Script("stats")
signal = Script("signal")
verify_copies = Script("verify_copies")
verify_list = Script("verify_list")
verify_owner = Script("verify_owner")
verify_source = Script("verify_source")
