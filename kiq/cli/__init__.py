"""The command line. Commands of wings are found by the entry point group ``kiq.commands``."""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from typing import Any

import click

from .. import __version__
from ..errors import KiqError, PluginError
from . import streams
from .exit_codes import OUTPUT, exit_code
from .streams import complain, open_missing

#: Commands of our own. By name: the porch imports no wing, and none pays for another: ``kiq health`` is
#: called every few seconds.
_SHIPPED = {
    "batches": "kiq.commands.batches:batches",
    "check": "kiq.cli.check:check",
    "clear-queue": "kiq.commands.queues:clear_queue",
    "config": "kiq.cli.config:config",
    "dead": "kiq.commands.sets:dead",
    "debug": "kiq.commands.debug:debug",
    "doctor": "kiq.commands.doctor:doctor",
    "dump": "kiq.commands.processes:dump",
    "find": "kiq.commands.find:find_command",
    "failures": "kiq.commands.failures:failures",
    "health": "kiq.cli.health:health",
    "init": "kiq.commands.init:init",
    "jobs": "kiq.commands.jobs:jobs",
    "limits": "kiq.commands.limits:limits",
    "locks": "kiq.commands.locks:locks",
    "mark": "kiq.commands.mark:mark",
    "pause": "kiq.commands.queues:pause",
    "periodic": "kiq.commands.periodic:periodic",
    "ps": "kiq.commands.processes:ps",
    "push": "kiq.commands.push:push",
    "queues": "kiq.commands.queues:queues",
    "quiet": "kiq.commands.processes:quiet",
    "restart": "kiq.commands.restart:restart",
    "result": "kiq.commands.result:result",
    "retries": "kiq.commands.sets:retries",
    "run": "kiq.cli.run:run",
    "scale": "kiq.commands.scale:scale",
    "scheduled": "kiq.commands.sets:scheduled",
    "show": "kiq.commands.find:show",
    "stats": "kiq.commands.stats:stats",
    "stop": "kiq.commands.processes:stop",
    "top": "kiq.commands.top:top",
    "undo": "kiq.commands.undo:undo_command",
    "unpause": "kiq.commands.queues:unpause",
    "verify": "kiq.commands.verify:verify_command",
    "web": "kiq.commands.web:web",
    "web-user": "kiq.commands.web:web_user",
    "why": "kiq.commands.why:why_command",
}


class _Commands(click.Group):
    """Finds commands by entry point, so that the porch imports no wing; ``run`` is the default."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """Return the names of all commands."""
        found = {point.name for point in metadata.entry_points(group="kiq.commands")}
        return sorted({*_SHIPPED, *found})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's)
        cmd_name: str,
    ) -> click.Command | None:
        """Return the command *cmd_name*, loaded now, or None."""
        place = _SHIPPED.get(cmd_name)
        if place is not None:
            return _at(place)
        for point in metadata.entry_points(group="kiq.commands", name=cmd_name):
            return _loaded(point)
        return None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front of flags: ``kiq -C config/kiq.yml`` starts a worker."""
        if not args or (
            args[0].startswith("-") and args[0] not in ("--help", "-h", "--version", "-V")
        ):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _at(place: str) -> click.Command:
    module, _, attribute = place.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _loaded(point: metadata.EntryPoint) -> click.Command:
    """Return the command of another package; one that says what is wrong with it where it is broken."""
    try:
        found = point.load()
        if isinstance(found, click.Command):
            return found
        why = f"{point.value} is no click command"
    except Exception as error:  # noqa: BLE001 (one broken package must not take the others' commands)
        why = f"{type(error).__name__}: {error}"

    def refuse() -> None:
        package = point.dist.name if point.dist else "?"
        raise PluginError(f"the command {point.name!r} of {package} can't be loaded: {why}")

    return click.Command(point.name, callback=refuse, short_help="(can't be loaded)")


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="kiq %(version)s")
def kiq() -> None:
    """Background jobs for Python. `kiq -C config/kiq.yml` (or `kiq run`) starts a worker."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors of kiq, and of the streams, become one line and an exit code."""
    open_missing()
    try:
        kiq.main(args=arguments, prog_name="kiq")
    except KiqError as error:
        complain(f"kiq: {error}")
        sys.exit(exit_code(error))
    except OSError as error:
        if not streams.was_writing(error):
            raise
        streams.give_up_broken()
        complain(f"kiq: the output can't be written: {error.strerror or error}")
        sys.exit(OUTPUT)
