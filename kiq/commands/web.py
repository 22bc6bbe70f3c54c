"""``kiq web`` and ``kiq web-user``: the web UI on a server of its own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from ..health.address import parse
from .ground import Ground, grounded
from .screen import note, say
from .values import fleet

_ROLES = click.Choice(["reader", "operator", "admin"])


class _Where(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # no generic in older clicks
    """``HOST:PORT``."""

    name = "address"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, int]:
        try:
            found = parse(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        if found is None or not found.port:
            self.fail(f"{value!r} is no HOST:PORT", param, ctx)
        return found.host or "0.0.0.0", found.port


@click.command()
@click.option(
    *("-b", "--bind"),
    default="127.0.0.1:9494",
    type=_Where(),
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen.",
)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who may look: lines that `kiq web-user` writes.",
)
@click.option(
    "--role", type=_ROLES, default="admin", help="What all may do without a password file."
)
@click.option(
    "--insecure", is_flag=True, help="Ask for no password on an address that others reach."
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="A name that it may be called by, besides localhost.",
)
@click.option("--prefix", default="", metavar="/PATH", help="Where a proxy has it: /kiq.")
@click.option(
    "--trust-proxy",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy (or network) whose X-Forwarded-For, -Proto, -Host and -Prefix count.",
)
@click.option(
    "--fleet",
    "fleets",
    multiple=True,
    type=fleet,
    metavar="NAME=URL",
    help="Several Redises in one UI.",
)
@grounded(json=False)
def web(
    ground: Ground,
    bind: tuple[str, int],
    password_file: Path | None,
    role: str,
    insecure: bool,
    allow_host: tuple[str, ...],
    prefix: str,
    trust_proxy: tuple[str, ...],
    fleets: tuple[tuple[str, str], ...],
) -> None:
    """Serve the web UI, on this machine only unless a password file says who may look. Ctrl-C ends it."""
    serving = _serving()
    names, prefix = frozenset(allow_host), f"/{prefix.strip('/')}".rstrip("/")
    door = serving.Door(*bind, role, password_file, insecure, names, prefix, trust_proxy)
    named: dict[str, Any] = dict(fleets) or {"main": ground.config.redis}
    server = serving.server(door, named, ground.config.environment)
    say(f"the web UI: http://{bind[0]}:{bind[1]}{prefix}/")
    if password_file is None and insecure:
        note(f"nobody is asked for a password, and everybody who reaches it is {role}")
    try:
        server.run()
    except KeyboardInterrupt:
        server.close()


@click.command("web-user")
@click.argument("name")
@click.option("--role", type=_ROLES, default="reader", show_default=True, help="What NAME may do.")
@click.option("--password", help="The password; it is asked for.")
@click.option("--token", is_flag=True, help="For a program: a token, instead of a password.")
def web_user(name: str, role: str, password: str | None, token: bool) -> None:
    """Print the line of a password file for NAME: `kiq web-user ann --role admin >> users`."""
    serving = _serving()
    if token:
        made, line = serving.token_line(name, role)
        say(line)
        note(f"the token of {name}, which stands nowhere else: {made}")
        return
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    say(serving.line_of(name, role, password))


def _serving() -> Any:
    """Return what serves; it needs an extra, which other commands, and the list of them, do not."""
    try:
        return importlib.import_module("kiq.web.serving")
    except ModuleNotFoundError as error:
        raise ConfigError(f"kiq web needs {error.name}: pip install 'kiq[web]'") from error
