"""What a worker process holds at one moment: memory, threads, files, connections to Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from support import BenchmarkError

_LOOKS = 10
_BETWEEN_LOOKS = 0.1  # seconds
_UNIX_SOCKET = "U"  # CLIENT LIST's flag of a client that came in by a unix socket


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds: *memory* is its resident size now (not its peak), in bytes.

    *connections* are those that kiq has named, by TCP.
    """

    memory: int
    threads: int
    files: int
    connections: int


def settled_footprint(pid: int, store: redis.Redis) -> Footprint:
    """Look at the idle process *pid* ten times in a second; return the least of each figure.

    What a heartbeat takes for a moment is so left out. Whoever else uses kiq on this server must
    come in by its unix socket. Raises BenchmarkError where /proc does not tell.
    """
    looks = [_look(pid, store) for _ in range(_LOOKS)]
    return Footprint(
        memory=min(look.memory for look in looks),
        threads=min(look.threads for look in looks),
        files=min(look.files for look in looks),
        connections=min(look.connections for look in looks),
    )


def _look(pid: int, store: redis.Redis) -> Footprint:
    time.sleep(_BETWEEN_LOOKS)
    clients: Any = store.client_list()
    return Footprint(
        memory=_of_process(pid, _resident),
        threads=_of_process(pid, lambda folder: len(os.listdir(folder / "task"))),
        files=_of_process(pid, lambda folder: len(os.listdir(folder / "fd"))),
        connections=sum(
            client["name"].startswith("kiq") and _UNIX_SOCKET not in client["flags"]
            for client in clients
        ),
    )


def _resident(folder: Path) -> int:
    pages = int((folder / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _of_process(pid: int, tell: Callable[[Path], int]) -> int:
    try:
        return tell(Path(f"/proc/{pid}"))
    except OSError as error:
        raise BenchmarkError(
            f"/proc does not tell what process {pid} holds: {error}; this needs Linux, and a worker "
            "that still runs"
        ) from error
