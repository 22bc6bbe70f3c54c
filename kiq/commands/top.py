"""``kiq top``: the fleet on a terminal, to be seen and steered."""

from __future__ import annotations

import importlib
from typing import Any

import click

from ..errors import ConfigError
from .ground import Ground, grounded
from .values import fleet, seconds


@click.command()
@click.option(
    *("-n", "--interval"),
    default="1",
    type=seconds,
    show_default=True,
    metavar="SECONDS",
    help="How often it reads.",
)
@click.option(
    "--fleet",
    "fleets",
    multiple=True,
    type=fleet,
    metavar="NAME=URL",
    help="Several Redises: `:fleet NAME` goes from one to another.",
)
@click.option("--read-only", is_flag=True, help="Nothing can be done by it.")
@grounded(json=False)
def top(
    ground: Ground, interval: float, fleets: tuple[tuple[str, str], ...], read_only: bool
) -> None:
    """Show what runs, waits and fails, every second. `?` shows the keys, `q` leaves."""
    serving = _serving()
    shown = serving.fleets_of(dict(fleets), ground.home, ground.config)
    code = serving.run(shown, max(0.2, interval), read_only)
    if code:
        raise click.exceptions.Exit(code)


def _serving() -> Any:
    """Return what runs it; it needs an extra, which other commands, and the list of them, do not."""
    try:
        return importlib.import_module("kiq.top.serving")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise ConfigError(f"kiq top needs {missing}: pip install 'kiq[top]'") from error
