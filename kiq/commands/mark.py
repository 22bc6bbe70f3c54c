"""``kiq mark``: a deploy mark, for the last line of a deploy script."""

from __future__ import annotations

import click

from .. import config_file
from ..api import connection, deploy


@click.command()
@click.argument("label", required=False)
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-e", "--environment", metavar="NAME", help="The environment (default development).")
def mark(label: str | None, path: str | None, environment: str | None) -> None:
    """Mark a deploy in the charts of metrics; LABEL is the last commit (git) unless it is given."""
    flags = {"environment": environment} if environment else {}
    config = config_file.load(path, flags=flags)
    if deploy.mark(label, client=connection(config.redis)):
        click.echo("marked")
    else:
        click.echo("not marked: this minute, or this label a moment ago, has been marked already")
