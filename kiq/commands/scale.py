"""``kiq scale``: more threads, or fewer, in workers that run."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..api import Process, ProcessSet
from ..cli.exit_codes import NOT_DONE
from ..errors import ConfigError
from .asking import sure
from .ground import Ground, grounded
from .processes import meant, why_nobody
from .screen import document, note, say
from .text import counted, visible


@click.command()
@click.argument("identity", metavar="IDENTITY|HOSTNAME|all")
@click.argument("threads", metavar="THREADS", type=click.IntRange(1, 1000))
@click.option("--capsule", metavar="NAME", help="Which, where a process has several (default).")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@grounded(acts=True)
def scale(ground: Ground, identity: str, threads: int, capsule: str | None, yes: bool) -> None:
    """Let running workers have more threads, or fewer: each so many, until it ends.

    Those too many end when their jobs do. Under a parent each child is a process of its own.
    """
    everyone = list(ProcessSet(ground.home).everyone())
    processes = _there(everyone, identity)
    if not processes:
        note(why_nobody(everyone, identity))
        raise click.exceptions.Exit(NOT_DONE)
    if identity == "all":
        many = counted(len(processes), "process", "processes")
        sure(f"Let each of {many} have {counted(threads, 'thread')}?", yes)
    told: list[Process] = []
    failed: list[str] = []
    for process in processes:
        try:
            heard = process.scale(threads, capsule or _capsule(process))
        except ConfigError as error:  # one of Ruby's, or without that capsule; the others go on
            heard = False
            note(visible(str(error)))
        if heard:
            told.append(process)
        else:
            failed.append(process.identity)
    if ground.as_json:
        names = [each.identity for each in told]
        document({"threads": threads, "processes": names, "failed": failed})
    else:
        for each in told:
            before = f"it has {each.concurrency}; it hears that at its next beat, within 5 s"
            say(f"told {visible(each.identity)} to have {counted(threads, 'thread')}: {before}")
    for name in failed:
        note(f"{visible(name)} was not told")
    if failed:
        raise click.exceptions.Exit(NOT_DONE)


def _there(everyone: Sequence[Process], identity: str) -> list[Process]:
    living = [each for each in everyone if not each.is_dead]
    of_host = [each for each in living if each.hostname == identity]
    return of_host if of_host and identity != "all" else meant(living, identity)


def _capsule(process: Process) -> str:
    return next(iter(process.capsules)) if len(process.capsules) == 1 else "default"
