"""``kiq resque work``: a worker as ``rake resque:work`` starts it, by its variables."""

from __future__ import annotations

import os
import sys

import click

from ...cli.run import run
from .environment import Start, start_of

_PASSED_ON = {"ignore_unknown_options": True}
_FLAGS = click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[FLAGS OF kiq run]...")


@click.group()
def resque() -> None:
    """Workers as `rake resque:work` starts them: by QUEUE, QUEUES, COUNT and other variables."""


@resque.command(context_settings=_PASSED_ON)
@_FLAGS
def work(flags: tuple[str, ...]) -> None:
    """Start a worker: `QUEUE=email kiq resque work -r app.jobs`.

    QUEUE or QUEUES: names and patterns, in strict order: critical,high  file_*  *,!low. VERBOSE, VVERBOSE:
    log levels. PIDFILE. BACKGROUND=yes. INTERVAL=0: end when nothing is left.
    """
    _start(start_of(os.environ, several=False), flags)


@resque.command(context_settings=_PASSED_ON)
@_FLAGS
def workers(flags: tuple[str, ...]) -> None:
    """Start COUNT workers, under one parent: `COUNT=3 QUEUE='*' kiq resque workers -r app.jobs`."""
    _start(start_of(os.environ, several=True), flags)


def _start(start: Start, flags: tuple[str, ...]) -> None:
    for notice in start.notices:
        click.echo(f"kiq: {notice}", err=True)
    os.environ.update(start.variables)
    if start.background:
        _leave_the_terminal()
    run.main(args=[*start.flags, *flags], prog_name="kiq resque work")


def _leave_the_terminal() -> None:
    """Go on as a process of nobody's session, whose output goes nowhere, as that of any daemon."""
    sys.stdout.flush()
    sys.stderr.flush()
    for lead in (True, False):
        if os.fork():
            os._exit(0)
        if lead:
            os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    if nowhere > 2:
        os.close(nowhere)
