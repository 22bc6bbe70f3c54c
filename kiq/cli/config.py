"""``kiq config``: what each setting is, and where that came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import fields
from typing import Any, NamedTuple

import click

from .. import boot, config_file, features
from ..client import configured, use_settings
from ..config import Capsule, Config
from ..config_file.json_schema import json_schema
from ..config_file.resolver import shown
from ..config_file.schema import names_of


class Holding(NamedTuple):
    """One setting: its *name* as in a file, its *value* as people read it, and its *origin*."""

    name: str
    value: str
    origin: str


@click.command()
@click.option("-C", "--config", "path", metavar="FILE", help="The file (default config/kiq.yml).")
@click.option("-e", "--environment", metavar="NAME", help="The environment.")
@click.option(
    "-r", "--require", multiple=True, metavar="MODULE", help="What to import: your job classes."
)
@click.option("--all", "everything", is_flag=True, help="Defaults, too.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--schema", is_flag=True, help="The JSON schema of a file, for editors.")
def config(
    path: str | None,
    environment: str | None,
    require: Sequence[str],
    everything: bool,
    as_json: bool,
    schema: bool,
) -> None:
    """Say what holds, and where it came from: file and line, variable, flag or code.

    Imports the application as a worker does; asks no Redis. Passwords are left out. Problems are the
    matter of `kiq check`: the first stops this command.
    """
    flags = {"environment": environment, "require": list(require)}
    use_settings(
        {
            **configured(),
            **config_file.started(path, {name: it for name, it in flags.items() if it}),
        }
    )
    boot.add_working_folder()
    before = config_file.outcome(configured(), pending=True).config
    with redirect_stdout(sys.stderr):
        boot.import_application(boot.modules_of(before))
    for name in before.plugins:
        boot.plugin_of(name)  # it may declare settings
    found = config_file.settings(configured())
    if schema:
        click.echo(json.dumps(json_schema(), indent=1))
        return
    held = [one for one in holdings(found) if everything or one.origin != "default"]
    if as_json:
        click.echo(
            json.dumps({one.name: {"value": one.value, "origin": one.origin} for one in held})
        )
        return
    click.echo(f"config file: {found.file or 'none'}")
    width = max((len(f"{one.name}: {one.value}") for one in held), default=0)
    for one in held:
        click.echo(f"{f'{one.name}: {one.value}':<{min(width, 60)}}  # {one.origin}")
    if not everything:
        click.echo("all else is as it comes: --all shows it")


def holdings(found: Config) -> Iterator[Holding]:
    """Yield each setting of *found*; those of Redis and of features, too."""
    for capsule in found.capsules:
        prefix = "" if capsule.name == "default" else f"capsules.{capsule.name}."
        yield from _of_capsule(capsule, prefix, found)
    for name, value in _values(found):
        yield Holding(name, _text(name, value), found.origins.get(name, "default"))


def _text(name: str, value: Any) -> str:
    """Return *value* as a file has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else shown(name, value)


def _of_capsule(capsule: Capsule, prefix: str, found: Config) -> Iterator[Holding]:
    values: dict[str, Any] = {
        "queues": (capsule.queues, capsule.mode, capsule.latencies),
        "concurrency": capsule.concurrency,
    }
    for name, value in values.items():
        where = found.origins.get(f"{prefix}{name}", "default")
        yield Holding(f"{prefix}{name}", shown(name, value), where)


def _values(found: Config) -> Iterator[tuple[str, Any]]:
    for field in fields(found):
        if field.name not in ("capsules", "features", "redis", "origins", "file", "notices"):
            yield field.name, getattr(found, field.name)
    redis = found.redis
    yield "redis.url", redis.client if redis.client is not None else redis.url
    for name in ("connect_timeout", "socket_timeout", "namespace"):
        yield f"redis.{name}", getattr(redis, name)
    yield from ((f"redis.{name}", value) for name, value in redis.options.items())
    for feature in features.declared():
        if feature.settings is not None:
            held: Any = found.of(feature.settings)
            yield from ((name, getattr(held, field)) for field, name in names_of(feature).items())
