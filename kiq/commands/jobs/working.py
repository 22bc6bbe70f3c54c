"""``kiq jobs work`` and ``workoff``: one worker, in the foreground."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

import click

from ...cli.run import run
from ..screen import note
from .environment import start_of
from .passing import PassesOn

FLAGS = click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[FLAGS OF kiq run]...")


@click.command(cls=PassesOn)
@FLAGS
def work(flags: tuple[str, ...]) -> None:
    """Start a worker: `kiq jobs work -r app.jobs`.

    QUEUE or QUEUES: names and patterns, mail,default or 'report_*'; without, and without -q, all queues.
    QUIET=1: warnings alone.
    """
    begin(flags)


@click.command(cls=PassesOn)
@FLAGS
def workoff(flags: tuple[str, ...]) -> None:
    """Work off what is there, and end: with exit code 1 where a job failed."""
    begin(("--drain", *flags))


def begin(flags: Sequence[str]) -> None:
    """Be the worker that variables and *flags* mean, up to its end."""
    start = start_of(os.environ, flags)
    for each in start.notices:
        note(f"kiq: {each}")
    os.environ.update(start.variables)
    if "KIQ_RESQUE_QUEUES" in start.variables:
        # By name: a wing imports no other. It has what finds queues as they appear, and its setting.
        importlib.import_module("kiq.contrib.resque")
    run.main(args=[*start.flags, *flags], prog_name="kiq jobs work")
