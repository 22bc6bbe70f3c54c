"""Which of the places that give a setting counts, and what the others said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..config import Capsule
from ..redis_url import mask
from ..store.source import source_of
from .banner import queues_text
from .document import Entry
from .expanding import expand
from .layers import Layer, origin_of
from .schema import known
from .tree import Invalid, Leaf, MissingVariable, Node, Problem
from .url_settings import said_by

#: Stands for a value whose variable is not set.
MISSING = object()


@dataclass(slots=True)
class Candidate:
    """A value that a setting was given; *rank* is the number of its layer, 0 the first.

    *missing* names the variables without which it can't be read.
    """

    value: Any
    label: str
    rank: int
    missing: list[Problem]


@dataclass(slots=True)
class Resolver:
    """The layers, from the first in rank to the last, and what was found out while they were asked.

    *origins* says of each setting where its value is from, and what that overrides.
    """

    layers: list[Layer]
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def value(self, setting: str, default: Any) -> Any:
        """Return the value of the first layer that has one, and note its origin."""
        winner = self.decide(setting, self.candidates(setting))
        return default if winner is None else winner.value

    def decide(self, setting: str, found: Sequence[Candidate]) -> Candidate | None:
        """Note that the first of *found* wins; return it, or None where it has no value."""
        if not found:
            self.origins[setting] = "default"
            return None
        winner, *others = found
        self.problems.extend(winner.missing)
        overridden = (_overridden(setting, winner, other) for other in others)
        self.origins[setting] = "; ".join([winner.label, *overridden])
        return None if winner.missing else winner

    def candidates(self, setting: str) -> list[Candidate]:
        """Return the readable values of *setting*, first the one that wins; note the others."""
        found = []
        for rank, layer in enumerate(self.layers):
            entry = layer.section.entries.get(setting)
            if entry is None:
                continue
            value, problems = read_entry(entry, layer.section.source, self.environ)
            missing = value is MISSING
            if problems and not missing:
                self.problems.extend(problems)
            else:
                found.append(Candidate(value, layer.label(entry), rank, problems))
        return found


def read_entry(entry: Entry, source: str, environ: Mapping[str, str]) -> tuple[Any, list[Problem]]:
    """Return the value of *entry*, or MISSING, and what is wrong with it."""
    try:
        node = expand(entry.node, environ) if entry.line is not None else entry.node
        value, faults = _reader(entry.setting, node), []
        if entry.setting == "redis.url" and isinstance(value, str):
            faults = [(entry.line, fault) for fault in said_by(value)[1]]
    except Invalid as error:
        value, faults = MISSING if isinstance(error, MissingVariable) else None, [*error.faults]
    source = source if entry.line is not None else origin_of(source, entry)
    name = entry.setting if entry.line is None else entry.key
    return value, [
        Problem(entry.line if line is None else line, name, _sentence(name, message), source)
        for line, message in faults
    ]


def _reader(setting: str, node: Node) -> Any:
    settings = known().settings
    schema = settings.get(setting)
    if setting.startswith("capsules."):
        schema = settings[setting.rpartition(".")[2]]
    if schema is None:
        # An object that code passes through to redis-py.
        return node.value if isinstance(node, Leaf) else node
    return schema.read(node)


def _sentence(name: str, message: str) -> str:
    return (
        f"{name} {message}"
        if message.startswith(("must ", "has ", "is "))
        else f"{name}: {message}"
    )


def _overridden(setting: str, winner: Candidate, other: Candidate) -> str:
    if other.missing:
        return f"overrides {other.label}"
    if other.value == winner.value:
        return f"also in {other.label}"
    return f"overrides {shown(setting, other.value)} from {other.label}"


def shown(setting: str, value: Any) -> str:
    """Return *value* of *setting* as people read it; what is secret is not shown."""
    schema = known().settings.get(setting)
    if setting == "redis.url":
        return mask(value) if isinstance(value, str) else source_of(value).where
    if schema is not None and schema.hidden:
        return "***"
    if setting.endswith("queues"):
        queues, mode, latencies = value
        return queues_text(Capsule(queues=queues, mode=mode, latencies=latencies))
    if isinstance(value, dict):
        return ", ".join(value)
    return " ".join(value) if isinstance(value, tuple) else str(value)
