"""``kiq check``: every problem of a configuration at once."""

from __future__ import annotations

import sys

import click

from .. import config_file
from ..config import Redis, banner_lines
from ..embedded import is_embedded
from ..embedded.locate import find_binary
from ..store.connection import Connector
from .exit_codes import CONFIG


@click.command()
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-e", "--environment", metavar="NAME", help="The environment to check.")
def check(path: str | None, environment: str | None) -> None:
    """Check a configuration file: each problem with its line, and what was meant."""
    flags = {"environment": environment} if environment else {}
    problems = config_file.problems(path, flags=flags)
    if problems:
        for problem in problems:
            click.echo(str(problem), err=True)
        click.echo(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", err=True)
        sys.exit(CONFIG)
    config = config_file.load(path, flags=flags)
    _try_to_connect(config.redis)
    for line in (*banner_lines(config), *config.notices):
        click.echo(line)
    click.echo("ok")


def _try_to_connect(redis: Redis) -> None:
    """Go as far as one can without Redis: raises the ConfigError or EmbeddedServerError met there."""
    if is_embedded(redis.url):
        find_binary()
    else:
        Connector(redis).open()
