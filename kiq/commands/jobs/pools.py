"""Which daemons options such as ``-n 2`` and ``--pool mailers,default:2`` mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigError
from .environment import ALL, split

_MOST = 512  # processes of one pool


@dataclass(frozen=True, slots=True)
class Daemon:
    """One background process: its *name*, its *queues* (none: all), and how many of it work."""

    name: str
    queues: tuple[str, ...]
    count: int

    @property
    def takes(self) -> str:
        """Its queues, for people."""
        return ", ".join(self.queues) or "all queues"


def daemons(
    prefix: str, *, pools: Sequence[str], queues: str, count: int, identifier: str | None
) -> list[Daemon]:
    """Return the daemons. Raises ConfigError for what does not go together."""
    if not prefix or "/" in prefix:
        raise ConfigError(f"--prefix is the beginning of a file's name, not {prefix!r}")
    if identifier is not None and (pools or "/" in identifier or not identifier):
        raise ConfigError("--identifier is a part of a file's name, and goes without --pool")
    if pools and (queues or count != 1):
        raise ConfigError("--pool says which queues and how many: leave --queues and -n out")
    if not pools:
        name = prefix if identifier is None else f"{prefix}.{identifier}"
        return [Daemon(name, _names(queues), _checked(count))]
    return [_pool(f"{prefix}.{number}", spec) for number, spec in enumerate(pools)]


def _pool(name: str, spec: str) -> Daemon:
    names, colon, count = spec.rpartition(":")
    if not colon:
        names, count = spec, "1"
    if not count.strip().isdecimal():
        raise ConfigError(f"a pool is written as mailers,default:2, not {spec!r}")
    return Daemon(name, _names(names), _checked(int(count)))


def _names(written: str) -> tuple[str, ...]:
    names = split(written)
    return () if names == [ALL] else tuple(names)


def _checked(count: int) -> int:
    if not 1 <= count <= _MOST:
        raise ConfigError(f"a pool has from 1 to {_MOST} processes, not {count}")
    return count


def command(daemon: Daemon, pid_file: Path, *, monitored: bool, ends: bool) -> list[str]:
    """Return the arguments of ``kiq`` that start *daemon*: under a parent if several, or *monitored*.

    *ends*: it ends when nothing is left. Raises ConfigError for several that are to end.
    """
    flags = ["jobs", "work", "--pidfile", str(pid_file)]
    if ends:
        if daemon.count > 1:
            raise ConfigError("--exit-on-complete is for one process of a pool")
        return [*flags, "--drain"]
    if daemon.count > 1 or monitored:
        flags.extend(("--processes", str(daemon.count)))
    return flags


def variables(daemon: Daemon) -> dict[str, str]:
    """Return what ``kiq jobs work`` reads of the environment for *daemon*."""
    return {"QUEUES": ",".join(daemon.queues), "QUEUE": ""}
