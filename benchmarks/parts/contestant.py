"""A job processor that drains a queue of no-op jobs: what it is, and the two of ours.

Its peers are in parts/peers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

#: Returns how many of so many pushed jobs are settled: run, and forgotten by their queue.
Settled = Callable[[redis.Redis, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One job processor in one arrangement.

    In commands, ``{bin}`` is the folder with its Python (or program), ``{apps}`` that of the jobs,
    ``{url}`` the server, ``{jobs}`` how many.
    *packages* are what its virtual environment *home* holds; kiq itself has none, and what is no
    Python has the *program* that the machine must have, or the Debian *release* that has it; what runs
    on *node*, the folder of benchmarks/ with its program. *counted*
    says what *settled* looks at, and *chosen* why it has these settings. Its loggers are silenced by
    *environment*; *logged* stands in its place where it logs as it comes (None: it is not measured so).
    """

    name: str
    arrangement: str
    jobs: int
    push: tuple[str, ...]
    worker: tuple[str, ...]
    settled: Settled
    counted: str = ""
    chosen: str = ""
    home: str = ""
    packages: tuple[str, ...] = ()
    program: str = ""
    release: str = ""
    node: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    logged: Mapping[str, str] | None = None

    def variables(self, *, logged: bool) -> Mapping[str, str]:
        """Return the variables of its environment: silenced, or as it comes."""
        return self.logged if logged and self.logged is not None else self.environment


def kiq(concurrency: int, jobs: int, codec: str = "msgpack") -> Contestant:
    """Return kiq, with one process of *concurrency* threads."""
    plain = {"KIQ_QUEUES": "default", "KIQ_CODEC": codec}
    return Contestant(
        name="kiq" if codec == "msgpack" else f"kiq-{codec}",
        arrangement=f"1 process, {concurrency} threads",
        jobs=jobs,
        push=("{bin}/python", "-m", "kiq_app", "{jobs}"),
        worker=("{bin}/python", "-m", "kiq", "-r", "kiq_app", "-c", f"{concurrency}"),
        settled=_counted_by_kiq,
        counted="counted in `stat:processed`",
        chosen="the defaults, at log level warning",
        environment={**plain, "KIQ_LOG_LEVEL": "warning"},
        logged=plain,
    )


def bare_loop(jobs: int) -> Contestant:
    """Return what kiq is held to as the limit of its design; see apps/bare_loop.py."""
    return Contestant(
        name="bare loop",
        arrangement="1 process, 1 thread, nothing but the loop",
        jobs=jobs,
        push=("{bin}/python", "-m", "kiq_app", "{jobs}"),
        worker=("{bin}/python", "-m", "bare_loop"),
        settled=_counted_by_kiq,
        counted="counted in `stat:processed`",
        chosen="batches of 250",
    )


def _counted_by_kiq(store: redis.Redis, pushed: int) -> int:  # noqa: ARG001 (a Settled)
    # GETRANGE, because kiq does not use it: what looking costs can be told from what working costs.
    return int(answer(store.getrange("stat:processed", 0, -1)) or 0)


def answer(reply: Any) -> Any:
    """Return *reply* as it is, for mypy."""
    # redis-py types its replies as perhaps awaitable; those of its plain client never are.
    return reply
