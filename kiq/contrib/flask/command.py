"""``flask kiq``: every command of kiq, with the application at hand; without one, a worker."""

from __future__ import annotations

from typing import Any

from flask import cli

from ...cli import main

_ARGUMENTS = "arguments"


class _Handing(cli.AppGroup):
    """Hands all that stands behind ``kiq`` to kiq's own command line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take everything, ``--help`` too."""
        ctx.params[_ARGUMENTS] = list(args)
        ctx.args = []
        return []

    def invoke(self, ctx: Any) -> None:
        """Run it with the application that Flask has found; ends with the exit code of the command."""
        ctx.ensure_object(cli.ScriptInfo).load_app()
        main(ctx.params[_ARGUMENTS])


command = _Handing(
    "kiq", help="Runs any command of kiq with this application; without one, a worker."
)
