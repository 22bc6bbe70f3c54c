"""The settings of the parent: how many children, and what makes it replace one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from ..features import Between, Feature, Written, declare
from .cores import cores

_MOST = 512  # children
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) *(?:([KMGT])I?)?B?", re.IGNORECASE)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_LEAST = 10 << 20  # bytes: no Python fits into less


def _processes(value: Any) -> int:
    word = str(value).strip().lower()
    if word == "auto":
        return cores()
    if isinstance(value, bool) or not (word.isascii() and word.isdecimal() and len(word) < 6):
        raise ValueError(f"must be auto, or a whole number from 0 to {_MOST}")
    if int(word) > _MOST:
        raise ValueError(f"must be auto, or a whole number from 0 to {_MOST}")
    return int(word)


def _size(value: Any) -> int:
    found = None if isinstance(value, bool) else _SIZE.fullmatch(str(value).strip())
    size = int(float(found[1]) * 1024 ** _POWERS.get((found[2] or "").upper(), 0)) if found else 1
    if 0 < size < _LEAST:
        raise ValueError("must be 0 or a size from 10MB, as in 400MB")
    return size


@dataclass(frozen=True, slots=True)
class ParentSettings:
    """*processes* is a number of children, with 0 there is no parent. 0 is no limit for the next two.

    *max_memory* is bytes, *max_jobs* a number of runs; *boot_timeout* is seconds that a child has until it
    takes jobs, *max_silence* seconds after which one is killed whose interpreter something holds.
    *cpu_affinity*: each child keeps to one processor. *pidfile* is a path.
    """

    processes: Annotated[int, Written(_processes)] = 0
    max_memory: Annotated[int, Written(_size)] = 0
    max_jobs: Annotated[int, Between(0, 1_000_000_000)] = 0
    boot_timeout: Annotated[float, Between(1, 3600, "seconds")] = 60.0
    max_silence: Annotated[float, Between(5, 86400, "seconds")] = 300.0
    cpu_affinity: bool = False
    pidfile: str = ""


declare(Feature("parent", settings=ParentSettings, section=""))
