"""What can be looked at: each view reads a page. None changes anything."""

from __future__ import annotations

from collections.abc import Mapping

from ..looking import Read
from . import classes, failures, jobs, now, periodic, processes, queues, running, sets, undo
from .help import help_page

__all__ = ["SUBJECTS", "TABS", "VIEWS", "help_page"]

#: What has a number, in the order of the line above: name and title.
TABS: Mapping[str, str] = {
    "now": "Now",
    "queues": "Queues",
    "running": "Running",
    "failures": "Failures",
    "scheduled": "Scheduled",
    "periodic": "Periodic",
    "classes": "Classes",
    "processes": "Processes",
}
#: All views; those without a number are reached from others, or by their names.
VIEWS: Mapping[str, Read] = {
    "now": now.now,
    "queues": queues.queues,
    "queue": queues.queue,
    "running": running.running,
    "failures": failures.failures,
    "retries": sets.listed,
    "scheduled": sets.listed,
    "dead": sets.listed,
    "job": jobs.job,
    "why": jobs.explained,
    "periodic": periodic.periodic,
    "entry": periodic.entry,
    "classes": classes.classes,
    "class": classes.one_class,
    "processes": processes.processes,
    "process": processes.process,
    "undo": undo.acts,
    "help": lambda _: help_page(),
}
#: Those that are of something, which is named behind them; and what that is.
SUBJECTS: Mapping[str, str] = {
    "queue": "NAME",
    "job": "JID",
    "why": "JID",
    "entry": "NAME",
    "class": "NAME",
    "process": "IDENTITY",
}
