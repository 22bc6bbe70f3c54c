"""Where the vitals of a worker are found."""

from __future__ import annotations

from ..work.launcher import Launcher
from .vitals import Vitals


def examine(vitals: Vitals, launcher: Launcher) -> Vitals:
    """Let *vitals* look at the worker of *launcher*, which runs; call it every second. Threads: main."""
    worker = launcher.worker
    vitals.look(
        [(courier.capsule.name, courier) for courier in launcher.couriers],
        launcher.heartbeat.loop.thread,
        worker.beaten_at,
        away=worker.trouble.away,
        refused=bool(worker.trouble.refusals),
        quiet=worker.state.stopping.is_set(),
    )
    return vitals
