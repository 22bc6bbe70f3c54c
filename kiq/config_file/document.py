"""From the tree of a file, or of code, to single settings: sections, aliases, unknown keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .schema import (
    BARE_ENVIRONMENTS,
    CAPSULE_KEYS,
    GONE,
    IGNORED,
    REDIS_REFUSED,
    TABLES,
    known,
    suggestion,
)
from .tree import Invalid, Items, Leaf, Node, Problem, Table
from .values import boolean

CAPSULE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting as written: *key* is how it was spelled, *line* where."""

    setting: str
    key: str
    node: Node
    line: int | None


@dataclass(slots=True)
class Section:
    """The settings of one level of a source, and what was wrong or remarkable about it.

    *strangers* are mappings that nothing here knows: of plugins that are not loaded yet, perhaps.
    """

    source: str
    entries: dict[str, Entry] = field(default_factory=dict)
    capsules: list[str] = field(default_factory=list)
    environments: dict[str, Section] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    strangers: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_section(table: Table, source: str, *, nested: bool = False) -> Section:
    """Return what *table* says; a *nested* one is an environment's, and has no environments.

    Problems are collected, not raised: those of the environments stand in their own sections.
    """
    section = Section(source)
    for key, node in table.entries:
        name = str(key.value)
        if name == "environments" and not nested:
            _read_environments(section, key, node)
        elif name in BARE_ENVIRONMENTS and not nested:
            _add_environment(section, key, node)
        elif name == "redis":
            _read_redis(section, key, node)
        elif name == "capsules":
            _read_capsules(section, key, node)
        elif name in known().sections:
            _read_feature(section, key, node)
        else:
            _read_key(section, key, node)
    return section


def _read_key(section: Section, key: Leaf, node: Node) -> None:
    name = str(key.value)
    names = known().names
    if name in names and "." not in name:
        _add(section, names[name], name, key.line, node)
    elif name == "verbose":
        if _truth(section, key, node):
            _add(section, "log_level", name, key.line, Leaf("debug", node.line))
            section.notices.append(_noticed(section, key, "verbose means log_level: debug"))
    elif name in IGNORED:
        section.notices.append(_noticed(section, key, IGNORED[name]))
    elif name in GONE:
        _problem(section, key, GONE[name])
    elif name == "<<":
        _problem(section, key, "merge keys (<<) are not supported: write the settings out")
    else:
        _read_unknown(section, key, node)


def _read_unknown(section: Section, key: Leaf, node: Node) -> None:
    name = str(key.value)
    near = suggestion(name, known().keys())
    message = f"unknown key {name}{near}"
    if not isinstance(node, Table) or suggestion(name, (*TABLES, *known().sections)):
        _problem(section, key, message)
        return
    if not near:
        where = f"environments: {{{name}: {{...}}}}"
        message += f"; if it is an environment, write it under environments: {where}"
    section.strangers.append(Problem(key.line, name, message, section.source))


def _truth(section: Section, key: Leaf, node: Node) -> bool:
    try:
        return boolean(node)
    except Invalid as error:
        _problem(section, key, f"{key.value} {error}")
        return False


def _read_environments(section: Section, key: Leaf, node: Node) -> None:
    for name, settings in _entries(section, key, node, "a mapping of environments"):
        _add_environment(section, name, settings)


def _add_environment(section: Section, key: Leaf, node: Node) -> None:
    name = str(key.value)
    if name in section.environments:
        _problem(section, key, f"environment {name} stands twice; keep one")
        return
    entries = tuple(_entries(section, key, node, "a mapping of settings"))
    nested = read_section(Table(entries, node.line), section.source, nested=True)
    if "environment" in nested.entries:
        entry = nested.entries.pop("environment")
        message = "environment can't stand in the section of an environment"
        nested.problems.append(Problem(entry.line, entry.key, message, section.source))
    section.environments[name] = nested


def _read_redis(section: Section, key: Leaf, node: Node) -> None:
    # Code may pass a client, and settings of redis-py that have no form in a file.
    in_code = key.line is None
    if isinstance(node, Leaf) and not node.empty and (in_code or isinstance(node.value, str)):
        _add(section, "redis.url", "redis", key.line, node)
        return
    for option, value in _entries(section, key, node, "a mapping such as {url: ...}, or a URL"):
        name = str(option.value)
        setting = f"redis.{name}"
        if name in REDIS_REFUSED:
            _problem(section, option, f"redis.{name} is not for you to set: {REDIS_REFUSED[name]}")
        elif setting in known().names or in_code:
            _add(section, setting, f"redis.{name}", option.line, value)
        else:
            near = suggestion(name, known().under("redis"))
            _problem(section, option, f"unknown key redis.{name}{near}")


def _read_feature(section: Section, key: Leaf, node: Node) -> None:
    name = str(key.value)
    for option, value in _entries(section, key, node, "a mapping of settings"):
        setting = f"{name}.{option.value}"
        if setting in known().names:
            _add(section, setting, setting, option.line, value)
        else:
            near = suggestion(str(option.value), known().under(name))
            _problem(section, option, f"unknown key {setting}{near}")


def _read_capsules(section: Section, key: Leaf, node: Node) -> None:
    for capsule, settings in _entries(section, key, node, "a mapping of capsules"):
        name = str(capsule.value)
        if not CAPSULE_NAME.fullmatch(name):
            message = f"{name!r} can't be the name of a capsule: use A-Z a-z 0-9 _ . -, up to 50"
            _problem(section, capsule, message)
            continue
        if name not in ("default", *section.capsules):
            section.capsules.append(name)
        prefix = "" if name == "default" else f"capsules.{name}."
        shape = "a mapping with concurrency and queues"
        for option, value in _entries(section, capsule, settings, shape):
            word = str(option.value)
            if word in CAPSULE_KEYS:
                _add(section, prefix + word, f"capsules.{name}.{word}", option.line, value)
            elif word in IGNORED:
                section.notices.append(_noticed(section, option, IGNORED[word]))
            else:
                near = suggestion(word, CAPSULE_KEYS)
                _problem(section, option, f"unknown key capsules.{name}.{word}{near}")


def _entries(section: Section, key: Leaf, node: Node, expected: str) -> Iterator[tuple[Leaf, Node]]:
    if isinstance(node, Table):
        yield from node.entries
    elif isinstance(node, Items) or not node.empty:
        _problem(section, key, f"{key.value} must be {expected}")


def _add(section: Section, setting: str, key: str, line: int | None, node: Node) -> None:
    if isinstance(node, Leaf) and node.empty:
        return
    known = section.entries.get(setting)
    if known is not None:
        where = f" (lines {known.line} and {line})" if line is not None else ""
        message = f"{setting} stands twice, as {known.key} and as {key}{where}; keep one"
        section.problems.append(Problem(line, key, message, section.source))
        return
    section.entries[setting] = Entry(setting, key, node, line)


def _problem(section: Section, key: Leaf, message: str) -> None:
    section.problems.append(Problem(key.line, str(key.value), message, section.source))


def _noticed(section: Section, key: Leaf, message: str) -> str:
    return str(Problem(key.line, str(key.value), message, section.source))
