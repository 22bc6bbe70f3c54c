"""The command line. Commands of wings are found by the entry point group ``kiq.commands``."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Any

import click

from .. import __version__
from ..errors import KiqError
from .check import check
from .exit_codes import exit_code
from .run import run

_BUILT_IN: dict[str, click.Command] = {"run": run, "check": check}


class _Commands(click.Group):
    """Finds commands by entry point, so that the porch imports no wing; ``run`` is the default."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """Return the names of all commands."""
        found = {point.name for point in metadata.entry_points(group="kiq.commands")}
        return sorted({*_BUILT_IN, *found})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's)
        cmd_name: str,
    ) -> click.Command | None:
        """Return the command *cmd_name*, loaded now, or None."""
        if cmd_name in _BUILT_IN:
            return _BUILT_IN[cmd_name]
        for point in metadata.entry_points(group="kiq.commands", name=cmd_name):
            command: click.Command = point.load()
            return command
        return None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front of flags: ``kiq -C config/kiq.yml`` starts a worker."""
        if not args or (
            args[0].startswith("-") and args[0] not in ("--help", "-h", "--version", "-V")
        ):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="kiq %(version)s")
def kiq() -> None:
    """Background jobs for Python. `kiq -C config/kiq.yml` (or `kiq run`) starts a worker."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors of kiq become one line and an exit code."""
    try:
        kiq.main(args=arguments, prog_name="kiq")
    except KiqError as error:
        click.echo(f"kiq: {error}", err=True)
        sys.exit(exit_code(error))
