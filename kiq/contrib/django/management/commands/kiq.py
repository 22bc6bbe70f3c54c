"""``manage.py kiq``: every command of kiq, with the settings of this project."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .....cli import main


class Command(BaseCommand):  # type: ignore[misc]
    """Hands all that stands behind ``kiq`` to kiq's own command line.

    Django has set the project up by then, and with it what ``KIQ`` says: so commands look at its Redis.
    """

    help = "Runs any command of kiq with the settings of this project; without one, a worker."
    requires_system_checks: Sequence[str] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run ``manage.py kiq ...``; ends with the exit code of that command, by SystemExit."""
        main(_without_djangos(argv[2:]))

    def add_arguments(self, parser: Any) -> None:
        """Take whatever kiq takes, for ``call_command``."""
        parser.add_argument("args", nargs=argparse.REMAINDER, metavar="COMMAND ...")

    def handle(self, *args: str, **options: Any) -> None:  # noqa: ARG002 (Django's)
        """Run it for ``call_command("kiq", "stats", "--json")``. Raises CommandError where it fails."""
        try:
            main(list(args))
        except SystemExit as end:
            if end.code:
                code = end.code if isinstance(end.code, int) else 1
                raise CommandError(
                    f"kiq {' '.join(args)} ended with {end.code}", returncode=code
                ) from end


def _without_djangos(arguments: list[str]) -> list[str]:
    """Return *arguments* without those that every management command has, which Django has heeded."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    ours, marker, rest = _parted(arguments)
    return [*parser.parse_known_args(ours)[1], *marker, *rest]


def _parted(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return what stands before ``--``, that, and what stands behind it, which is no option."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]
