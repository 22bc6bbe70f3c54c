"""What code costs, without a clock: calls made, memory kept, commands and round trips of Redis."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import redis

#: Does something so many times, the same each time.
Repeated = Callable[[int], object]

_REDIS_PY = str(Path(redis.__file__).parent)
_FEW, _MANY = 20, 120
_TRIES = 3  # something may be done once a second, say: the least is what everybody pays
_LONGEST_FREE_LIST = 2000  # objects that CPython keeps for reuse: its tuples of one length
_SCRIPTS = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
#: What the one who looks at a server sends: no worker and no producer of kiq does.
_LOOKING = ("cmdstat_info", "cmdstat_getrange", "cmdstat_rename")


def calls_each(action: Repeated) -> Counter[str]:
    """Return the calls, by name, that one repetition of *action* makes on this thread.

    Python functions and C functions count one each. What the interpreter does not tell of counts
    nothing (classes and partials written in C), nor does what redis-py does inside, which is not
    ours. What *action* does once, whatever the number of repetitions, is left out.
    """
    action(_MANY)  # fills caches and pools
    tries = [_between(_calls(action, _FEW), _calls(action, _MANY)) for _ in range(_TRIES)]
    return min(tries, key=Counter.total)


def blocks_left(action: Repeated, count: int, *, collect: bool) -> int:
    """Return how many blocks of memory more there are after *count* repetitions of *action*.

    The garbage collector rests meanwhile. Without *collect* what is left includes cycles, which it
    would have to find; with it, only what is kept for good.
    """
    gc.collect()
    gc.disable()
    try:
        # A collection empties the interpreter's free lists too: they must be full again, or all empty.
        for _ in range(_LONGEST_FREE_LIST // count + 1):
            action(count)
        return min(_blocks_left(action, count, collect) for _ in range(_TRIES))
    finally:
        gc.enable()


def _blocks_left(action: Repeated, count: int, collect: bool) -> int:
    if collect:
        gc.collect()
    before = sys.getallocatedblocks()
    action(count)
    if collect:
        gc.collect()
    return sys.getallocatedblocks() - before


def _between(few: Counter[str], many: Counter[str]) -> Counter[str]:
    many.subtract(few)
    found: Counter[Any] = Counter({name: n / (_MANY - _FEW) for name, n in many.items() if n})
    return found


def _calls(action: Repeated, count: int) -> Counter[str]:
    profile = _Profile()
    before = sys.getprofile()
    gc.disable()  # others may have asked to be called when it collects
    sys.setprofile(profile)
    try:
        action(count)
    finally:
        sys.setprofile(before)
        gc.enable()
    return profile.named()


class _Profile:
    """Counts calls; called by the interpreter at each call and return."""

    def __init__(self) -> None:
        self._python: Counter[CodeType] = Counter()
        self._c: Counter[str] = Counter()
        self._outside: FrameType | None = None  # redis-py's frame in which everything is its own

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if self._outside is not None:
            if event == "return" and frame is self._outside:
                self._outside = None
        elif event == "call":
            self._python[frame.f_code] += 1
            if frame.f_code.co_filename.startswith(_REDIS_PY):
                self._outside = frame
        elif event == "c_call":
            self._c[argument.__qualname__] += 1

    def named(self) -> Counter[str]:
        """Return what was counted, by qualified names."""
        counted = Counter(self._c)
        for code, count in self._python.items():
            counted[code.co_qualname] += count
        return counted


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a server had to do: *scripts* called, *commands* in them and beside them, *bytes_read*.

    *round_trips* is how often it had something to read. What the looking itself took is not in it,
    but for its bytes.
    """

    scripts: int
    commands: int
    round_trips: int
    bytes_read: int

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.scripts - other.scripts,
            self.commands - other.commands,
            self.round_trips - other.round_trips,
            self.bytes_read - other.bytes_read,
        )


def traffic_so_far(store: redis.Redis) -> Traffic:
    """Return what the server behind *store* has done since its start."""
    told: Any = store.info("everything")
    calls = {name: int(of["calls"]) for name, of in told.items() if name.startswith("cmdstat_")}
    scripts = sum(calls.pop(name, 0) for name in _SCRIPTS)
    looks = sum(calls.pop(name, 0) for name in _LOOKING)
    return Traffic(
        scripts,
        sum(calls.values()),
        int(told["total_reads_processed"]) - looks,
        int(told["total_net_input_bytes"]),
    )


def traffic_of(store: redis.Redis, action: Callable[[], object]) -> Traffic:
    """Return what *action* makes the server behind *store* do, the bytes of looking taken off."""
    first = traffic_so_far(store)
    second = traffic_so_far(store)
    action()
    cost = traffic_so_far(store) - second
    looking = (second - first).bytes_read
    return Traffic(cost.scripts, cost.commands, cost.round_trips, cost.bytes_read - looking)
