"""The Lua scripts of the data API, sent whole: an administrator's call can spare the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from ..store.scripts import Command


def _read(name: str, package: str = "kiq.api") -> str:
    return (resources.files(package) / "lua" / f"{name}.lua").read_text("utf-8")


# The bell is the store's: what enters a queue by the API wakes a worker as a push does.
_RING = _read("ring", "kiq.store")
_FORGET = _read("forget")
_KEEP = _read("keep")
_KEEP_NOTHING = "local keeping = false\nlocal function keep() end\n"


class Script:
    """One Lua script: called with keys and arguments, it returns the command that runs it."""

    def __init__(self, name: str, *shared: str) -> None:
        self._text = "".join(shared) + _read(name)

    def __call__(self, keys: Sequence[str], args: Sequence[Any] = ()) -> Command:
        return ("EVAL", self._text, len(keys), *keys, *args)


class Taking(Script):
    """One that takes jobs away. What it takes is kept where it is called by :meth:`keeping`."""

    def __init__(self, name: str, *shared: str) -> None:
        super().__init__(name, _KEEP_NOTHING, *shared)
        self._keeping = "".join((_KEEP, *shared)) + _read(name)

    def keeping(self, keys: Sequence[str], args: Sequence[Any]) -> Command:
        """Return the command that keeps what it takes: see ``keep.lua`` for what comes last in both."""
        return ("EVAL", self._keeping, len(keys), *keys, *args)


def undoing(pieces: str) -> Script:
    """Return the script that puts back what was taken; *pieces* are those of guards."""
    return Script("undo", _RING, _FORGET, pieces)


delete = Taking("delete", _FORGET)
delete_queued = Taking("delete_queued")
to_queue = Taking("to_queue", _RING, _FORGET)
to_set = Taking("to_set", _FORGET)
clear_set = Taking("clear_set")
clear_queue = Taking("clear_queue")
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
