"""``kiq check``: every problem of a configuration at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial

import click

from .. import boot, config_file
from ..client import configured, use_settings
from ..config import Config
from ..embedded import is_embedded
from ..embedded.locate import find_binary
from ..errors import KiqError
from ..registry import registry
from .exit_codes import CONFIG


@click.command()
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-e", "--environment", metavar="NAME", help="The environment to check.")
@click.option(
    "-r", "--require", multiple=True, metavar="MODULE", help="What to import: your job classes."
)
def check(path: str | None, environment: str | None, require: Sequence[str]) -> None:
    """Check a configuration: each problem with its place, and what was meant.

    Imports the application as a worker does; asks no Redis.
    """
    flags = {"environment": environment, "require": list(require)}
    use_settings(
        {
            **configured(),
            **config_file.started(path, {name: it for name, it in flags.items() if it}),
        }
    )
    found = config_file.outcome(configured(), pending=True)
    told = [str(problem) for problem in (*found.problems, *found.doubts)]
    broken = list(_problems_of_application(found.config))
    # With what the application configured, and what plugins declare, of which none must be missing.
    found = config_file.outcome(configured(), pending=bool(broken))
    told = list(dict.fromkeys([*told, *broken, *(str(each) for each in found.problems)]))
    if not told:
        told = list(boot.problems_of_features(found.config))
    for problem in told:
        click.echo(problem, err=True)
    if told:
        click.echo(f"{len(told)} problem{'s' if len(told) > 1 else ''}", err=True)
        sys.exit(CONFIG)
    if is_embedded(found.config.redis.url):
        find_binary()
    for line in (*config_file.banner_lines(found.config), *found.config.notices):
        click.echo(line)
    click.echo("ok")


def _problems_of_application(config: Config) -> Iterator[str]:
    """Yield what a worker would meet after it has read *config*, and before it asks Redis."""
    boot.add_working_folder()
    modules = boot.modules_of(config)
    before = len(registry.all())
    broken = [why for name in modules for why in _tried(partial(_import, name))]
    yield from broken
    for name in (*config.plugins, *([] if broken else boot.wanted(config).values())):
        yield from _tried(
            partial(boot.plugin_of, name)
        )  # a plugin may know jobs where kiq sees none
    if modules and not broken and len(registry.all()) == before == 0:
        yield f"there is no job class in what is imported: {', '.join(modules)}"
    yield from _tried(partial(boot.refuse_unknown, config.disable_plugins))


def _import(name: str) -> None:
    with redirect_stdout(sys.stderr):
        boot.import_application([name])


def _tried(call: Callable[[], object]) -> list[str]:
    try:
        call()
    except KiqError as error:
        return [str(error)]
    return []
