"""Where an app's settings come from, and which modules it imports."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from ...configure import configure
from ...errors import ConfigError

_SCHEMES = ("redis://", "rediss://", "unix://", "redis+sentinel://", "embedded")


def use_broker(url: Any) -> None:
    """Push to the Redis of *url* from now on. Raises ConfigError for another broker."""
    if not isinstance(url, str) or not url.startswith(_SCHEMES):
        scheme = str(url).partition("://")[0][:40]
        raise ConfigError(f"the broker is Redis here, redis://host:6379/0, and not {scheme}")
    configure(redis=url)


def settings_of(source: Any, namespace: str | None) -> dict[str, Any]:
    """Return settings of a module, its name, an object or a mapping; of *namespace* alone, if given."""
    if isinstance(source, str):
        name, _, attribute = source.partition(":")
        source = importlib.import_module(name)
        for part in filter(None, attribute.split(".")):
            source = getattr(source, part)
    if isinstance(source, Mapping):
        given = dict(source)
    else:
        given = {name: getattr(source, name) for name in dir(source) if not name.startswith("_")}
    if namespace is not None:
        prefix = f"{namespace}_"
        found = {name: value for name, value in given.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix).lower(): value for name, value in found.items()}
    return {
        name: value
        for name, value in given.items()
        if not isinstance(value, ModuleType | type) and not callable(value)
    }


def import_tasks(packages: Any, related: str) -> None:
    """Import the module *related* of each package that has one; of Django's apps for None."""
    found: Iterable[str] | None = packages() if callable(packages) else packages
    for package in _django_apps() if found is None else found:
        name = f"{package}.{related}"
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise


def _django_apps() -> list[str]:
    # By name: only an application of Django's asks without packages.
    apps = importlib.import_module("django.apps").apps
    return [each.name for each in apps.get_app_configs()]
