"""The places that settings come from, in the order of their precedence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..config import Redis
from .document import Entry, Section, read_section
from .schema import known
from .tree import Items, Leaf, Node, Table, node_of, place

COMMAND_LINE = "the command line"
CONFIGURE = "kiq.configure(...)"

#: Variables that belong to others as well, so that code comes before them.
_SHARED_VARIABLES = {"REDIS_URL": "redis.url", "APP_ENV": "environment"}
_OTHER_VARIABLES = ("KIQ_TEST_REDIS_URL", "KIQ_REDIS_SERVER")


@dataclass(frozen=True, slots=True)
class Layer:
    """One place that gives settings; *section* holds them, *suffix* is shown after each origin."""

    section: Section
    suffix: str = ""

    def label(self, entry: Entry) -> str:
        """Return where *entry* came from, as the banner says it."""
        return origin_of(self.section.source, entry) + self.suffix


def origin_of(source: str, entry: Entry) -> str:
    """Return the flag, the variable, or the source with its line."""
    if source == COMMAND_LINE and entry.setting in known().settings:
        return known().settings[entry.setting].flag
    return place(source or entry.key, entry.line)


def flags_layer(flags: Mapping[str, Any]) -> Layer:
    """Return what the command line gives; None and empty lists mean "not given"."""
    given = {key: value for key, value in flags.items() if value is not None and value != ()}
    return Layer(_section_of({key: value for key, value in given.items() if value != []}, True))


def configured_layer(configured: Mapping[str, Any]) -> Layer:
    """Return what code gave to ``kiq.configure``; None means "not given"."""
    given = dict(configured)
    redis = given.pop("redis", None)
    if isinstance(redis, Redis):
        url = redis.url if redis.client is None else redis.client
        fields = {
            "connect_timeout": redis.connect_timeout,
            "socket_timeout": redis.socket_timeout,
            "namespace": redis.namespace,
        }
        redis = {"url": url, **fields, **redis.options}
    return Layer(_section_of({**given, "redis": redis}, False))


def variables_layer(environ: Mapping[str, str]) -> Layer:
    """Return what the ``KIQ_*`` variables give; an empty variable counts as not set."""
    section = Section("")
    for setting in known().settings.values():
        text = environ.get(setting.variable)
        if text:
            parts: Node = Leaf(text)
            if setting.listed:
                parts = Items(tuple(Leaf(part) for part in text.split()))
            section.entries[setting.name] = Entry(setting.name, setting.variable, parts, None)
    section.notices.extend(_near_misses(environ))
    return Layer(section)


def shared_variables_layer(environ: Mapping[str, str]) -> Layer:
    """Return what ``REDIS_URL`` and ``APP_ENV`` give."""
    section = Section("")
    for variable, setting in _SHARED_VARIABLES.items():
        if environ.get(variable):
            leaf = Leaf(environ[variable])
            section.entries[setting] = Entry(setting, variable, leaf, None)
    return Layer(section)


def _section_of(values: Mapping[str, Any], command_line: bool) -> Section:
    tree = node_of({key: value for key, value in values.items() if value is not None})
    source = COMMAND_LINE if command_line else CONFIGURE
    # A mapping always gives a table.
    return read_section(tree if isinstance(tree, Table) else Table(()), source)


def _near_misses(environ: Mapping[str, str]) -> list[str]:
    there = known()
    variables = [setting.variable for setting in there.settings.values()]
    notices = []
    for name in environ:
        if not name.startswith("KIQ_") or name in variables or name in _OTHER_VARIABLES:
            continue
        setting = there.names.get(name.removeprefix("KIQ_").lower())
        near = [there.settings[setting].variable] if setting else []
        near = near or difflib.get_close_matches(name, variables, n=1, cutoff=0.85)
        if near:
            notices.append(f"the variable {name} is no setting; did you mean {near[0]}?")
    return notices
