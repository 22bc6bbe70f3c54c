"""``kiq run --drain``: the flags, and the exit code of a worker that works off and ends."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import click

from ..plugin import Host, host

_NAME = "drain"


def draining(run: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``kiq run`` the flags ``--drain`` and ``--drain-wait``."""

    @functools.wraps(run)
    def command(drain: bool, drain_wait: float | None, **rest: Any) -> Any:
        if not drain and drain_wait is not None:
            raise click.UsageError("--drain-wait goes with --drain")
        if not drain:
            return run(**rest)
        if rest["processes"] not in (None, "0"):
            raise click.UsageError("--drain is for one process: leave --processes out")
        # By name: the porch imports no wing.
        host.install(importlib.import_module("kiq.plugins.draining").Drain(drain_wait or 0.0))
        return run(**{**rest, "processes": "0"})

    for option in (_WAIT, _FLAG):
        command = option(command)
    return command


_FLAG = click.option("--drain", is_flag=True, help="Work off what is there, and end.")
_WAIT = click.option(
    "--drain-wait",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="With --drain: also retries and scheduled jobs that are due so soon.",
)


def code_of(host: Host, otherwise: int) -> int:
    """Return the exit code of a worker that has ended: *otherwise*, or what is said of a drain."""
    drain: Any = host.plugins.get(_NAME)
    return otherwise or (drain.code if drain is not None else 0)
