"""From layers of settings to one configuration: who wins, what that overrides, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..config import Capsule, Config, Redis, queues_text
from ..errors import ConfigError
from ..redis_url import mask
from .document import Entry, Section, read_section
from .expanding import expand
from .layers import (
    Layer,
    configured_layer,
    flags_layer,
    shared_variables_layer,
    source_of,
    variables_layer,
)
from .schema import SETTINGS, suggestion
from .tree import Invalid, Leaf, MissingVariable, Node, Problem, Table

_REDIS_FIELDS = ("url", "connect_timeout", "socket_timeout")
_CONFIG_FIELDS = tuple(
    name for name in SETTINGS if "." not in name and name not in ("concurrency", "queues")
)


#: Stands for a value whose variable is not set.
_MISSING = object()


@dataclass(slots=True)
class Outcome:
    """A configuration, which counts only when there are no *problems*."""

    config: Config
    problems: list[Problem]

    def note(self, notices: Iterable[str]) -> None:
        """Add remarks to those of the configuration."""
        self.config = replace(self.config, notices=(*self.config.notices, *notices))


@dataclass(slots=True)
class _Candidate:
    value: Any
    label: str
    missing: list[Problem]


@dataclass(slots=True)
class _Resolver:
    layers: list[Layer]
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def value(self, setting: str, default: Any) -> Any:
        """Return the value of the first layer that has one, and note its origin."""
        found = self.candidates(setting)
        if not found:
            self.origins[setting] = "default"
            return default
        winner, *others = found
        self.problems.extend(winner.missing)
        overridden = (_overridden(setting, winner, other) for other in others)
        self.origins[setting] = "; ".join([winner.label, *overridden])
        return default if winner.missing else winner.value

    def candidates(self, setting: str) -> list[_Candidate]:
        """Return the readable values of *setting*, first the one that wins; note the others."""
        found = []
        for layer in self.layers:
            entry = layer.section.entries.get(setting)
            if entry is None:
                continue
            value, problems = _read(entry, layer.section.source, self.environ)
            missing = value is _MISSING
            if problems and not missing:
                self.problems.extend(problems)
            else:
                found.append(_Candidate(value, layer.label(entry), problems))
        return found


def resolve(
    document: Table | None,
    file: str | None,
    *,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    configured: Mapping[str, Any],
) -> Outcome:
    """Return the configuration of *document* (the tree of *file*), flags, variables and code.

    Needs no YAML and reads no file: ``resolve(None, None, ...)`` is a process without one.
    """
    top = read_section(document or Table(()), file or "")
    named = [flags_layer(flags), variables_layer(environ), configured_layer(configured)]
    shared = shared_variables_layer(environ)
    resolver = _Resolver([*named, shared, Layer(top)], environ)
    environment = resolver.value("environment", Config().environment)
    section = top.environments.get(environment)
    if section is not None:
        resolver.layers.insert(-1, Layer(section, f" ({environment})"))
    config = _build(resolver, environment, file)
    sections = [layer.section for layer in resolver.layers]
    unused = [other for name, other in top.environments.items() if name != environment]
    problems = [*resolver.problems, *_unused_problems(unused, environ)]
    for each in (*sections, *unused):
        problems.extend(each.problems)
    notices = [notice for each in sections for notice in each.notices]
    notices += _environment_notice(environment, top)
    return Outcome(_with_notices(config, resolver, notices), problems)


def check(outcome: Outcome) -> Config:
    """Return the configuration; raise ConfigError listing all problems when there are any."""
    problems = outcome.problems
    if not problems:
        return outcome.config
    if len(problems) == 1:
        raise ConfigError(str(problems[0]))
    listed = "".join(f"\n  {problem}" for problem in problems)
    raise ConfigError(f"{len(problems)} problems in the configuration:{listed}")


def _build(resolver: _Resolver, environment: str, file: str | None) -> Config:
    blank = Config()
    values = {
        name: resolver.value(name, getattr(blank, name))
        for name in _CONFIG_FIELDS
        if name != "environment"
    }
    return Config(
        capsules=_capsules(resolver),
        redis=_redis(resolver),
        environment=environment,
        origins=resolver.origins,
        file=file,
        **values,
    )


def _capsules(resolver: _Resolver) -> tuple[Capsule, ...]:
    blank = Capsule()
    first = _capsule(resolver, "default", "", blank.concurrency)
    # From the file's top level upwards, so that the order is the one people read.
    names = [name for layer in reversed(resolver.layers) for name in layer.section.capsules]
    others = [
        _capsule(resolver, name, f"capsules.{name}.", first.concurrency)
        for name in dict.fromkeys(names)
    ]
    return (first, *others)


def _capsule(resolver: _Resolver, name: str, prefix: str, concurrency: int) -> Capsule:
    blank = Capsule()
    threads = resolver.value(f"{prefix}concurrency", concurrency)
    queues, mode = resolver.value(f"{prefix}queues", (blank.queues, blank.mode))
    return Capsule(name=name, concurrency=threads, queues=queues, mode=mode)


def _redis(resolver: _Resolver) -> Redis:
    blank = Redis()
    values = {name: resolver.value(f"redis.{name}", getattr(blank, name)) for name in _REDIS_FIELDS}
    given = [name for layer in resolver.layers for name in layer.section.entries]
    options = {
        name.removeprefix("redis."): resolver.value(name, None)
        for name in dict.fromkeys(given)
        if name.startswith("redis.") and name.removeprefix("redis.") not in _REDIS_FIELDS
    }
    return Redis(**values, options=options)


def _read(entry: Entry, source: str, environ: Mapping[str, str]) -> tuple[Any, list[Problem]]:
    try:
        node = expand(entry.node, environ) if entry.line is not None else entry.node
        return _reader(entry.setting, node), []
    except Invalid as error:
        value = _MISSING if isinstance(error, MissingVariable) else None
        source = source if entry.line is not None else source_of(source, entry)
        name = entry.setting if entry.line is None else entry.key
        return value, [
            Problem(entry.line if line is None else line, name, _sentence(name, message), source)
            for line, message in error.faults
        ]


def _reader(setting: str, node: Node) -> Any:
    schema = SETTINGS.get(setting)
    if setting.startswith("capsules."):
        schema = SETTINGS[setting.rpartition(".")[2]]
    if schema is None:
        # An object that code passes through to redis-py.
        return node.value if isinstance(node, Leaf) else node
    return schema.read(node)


def _sentence(name: str, message: str) -> str:
    return f"{name} {message}" if message.startswith(("must ", "has ")) else f"{name}: {message}"


def _overridden(setting: str, winner: _Candidate, other: _Candidate) -> str:
    if other.missing:
        return f"overrides {other.label}"
    if other.value == winner.value:
        return f"also in {other.label}"
    return f"overrides {_shown(setting, other.value)} from {other.label}"


def _shown(setting: str, value: Any) -> str:
    schema = SETTINGS.get(setting)
    if setting == "redis.url":
        return mask(value)
    if schema is not None and schema.hidden:
        return "***"
    if setting.endswith("queues"):
        queues, mode = value
        return queues_text(Capsule(queues=queues, mode=mode))
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _unused_problems(sections: Sequence[Section], environ: Mapping[str, str]) -> list[Problem]:
    # A typing mistake in the production section should show on a laptop; a variable that is set
    # only in production should not be missed there.
    found = []
    for section in sections:
        for entry in section.entries.values():
            value, problems = _read(entry, section.source, environ)
            if value is not _MISSING:
                found.extend(problems)
    return found


def _environment_notice(environment: str, top: Section) -> list[str]:
    if environment in top.environments:
        return []
    near = suggestion(environment, top.environments)
    return [f"{top.source} has no section for the environment {environment}{near}"] if near else []


def _with_notices(config: Config, resolver: _Resolver, notices: list[str]) -> Config:
    for capsule in config.capsules:
        for name in capsule.queue_names:
            if name.isdigit():
                notices.append(
                    f"queue {name} has a number for a name; if it is a weight, "
                    "write [[critical, 6]], not [critical, 6]"
                )
    options = dict(config.redis.options)
    for name in _unfit_options(config.redis):
        del options[name]
        notices.append(
            f"redis.{name} ({resolver.origins[f'redis.{name}']}) is not used: "
            f"it does not fit {config.redis.masked_url}"
        )
    return replace(config, redis=replace(config.redis, options=options), notices=tuple(notices))


def _unfit_options(redis: Redis) -> list[str]:
    scheme = redis.url.partition("://")[0].lower()
    unfit = [name for name in redis.options if name.startswith("ssl_") and scheme != "rediss"]
    if scheme not in ("redis", "rediss") and "socket_keepalive" in redis.options:
        unfit.append("socket_keepalive")
    return unfit
