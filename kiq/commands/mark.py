"""``kiq mark``: a deploy mark, for the last line of a deploy script."""

from __future__ import annotations

import click

from .. import api
from .ground import Ground, grounded


@click.command()
@click.argument("label", required=False)
@grounded(json=False, acts=True)
def mark(ground: Ground, label: str | None) -> None:
    """Mark a deploy in the charts of metrics; LABEL is the last commit (git) unless it is given."""
    if api.mark(label, client=ground.home):
        click.echo("marked")
    else:
        click.echo("not marked: this minute, or this label a moment ago, has been marked already")
