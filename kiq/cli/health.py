"""``kiq health``: asks the worker of this machine how it is. It imports little: probes call it often."""

from __future__ import annotations

import sys

import click

from .. import config_file
from ..client import configured, use_settings
from ..errors import KiqError
from ..health.address import Address, parse
from ..health.asking import ask
from ..health.settings import HealthSettings
from .exit_codes import NOT_DONE

_USAGE = 2


@click.command()
@click.argument("address", required=False)
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-e", "--environment", metavar="NAME", help="The environment.")
@click.option("--ready", is_flag=True, help="Whether it takes jobs, rather than whether it lives.")
@click.option(
    "-t",
    "--timeout",
    type=click.FloatRange(0.01, 60),
    default=3.0,
    metavar="SECONDS",
    help="For the answer (default 3).",
)
def health(
    address: str | None, path: str | None, environment: str | None, ready: bool, timeout: float
) -> None:
    """Ask the worker on this machine how it is: one line, and exit code 0 if well, 1 if not.

    ADDRESS is where it answers, as in `health:` of the configuration, which is looked at where none is
    given. For container checks: imports no application, and asks no Redis.
    """
    try:
        where = _address(address, path, environment)
    except (KiqError, ValueError) as error:
        click.echo(f"kiq health: {error}", err=True)
        sys.exit(_USAGE)
    well, said = ask(where, "/ready" if ready else "/live", timeout)
    click.echo(said)
    sys.exit(0 if well else NOT_DONE)


def _address(given: str | None, path: str | None, environment: str | None) -> Address:
    found = parse(given) if given else _configured(path, environment)
    if found is None:
        raise ValueError("no address: set health, as in 127.0.0.1:7433, or name it here")
    return found


def _configured(path: str | None, environment: str | None) -> Address | None:
    flags = {"environment": environment} if environment else {}
    use_settings({**configured(), **config_file.started(path, flags)})
    found = config_file.settings(configured(), pending=True)
    return parse(found.of(HealthSettings).health)
