"""From layers of settings to one configuration: who wins, what that overrides, what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import features
from ..config import SHARED, Capsule, Config
from ..errors import ConfigError
from .document import Section, read_section
from .file import NO_FILE, Document
from .layers import (
    CONFIGURE,
    Layer,
    configured_layer,
    flags_layer,
    shared_variables_layer,
    variables_layer,
)
from .redis_settings import redis_of
from .resolver import MISSING, Resolver, read_entry
from .schema import SETTINGS, names_of, suggestion
from .tree import Problem, Table

_CONFIG_FIELDS = tuple(
    name
    for name in SETTINGS
    if "." not in name and name not in ("concurrency", "queues", "environment")
)


@dataclass(slots=True)
class Outcome:
    """A configuration, which counts only when there are no *problems*.

    *doubts* are what a worker only remarks, and a person who checks should look at.
    """

    config: Config
    problems: list[Problem]
    doubts: list[Problem] = field(default_factory=list)

    def note(self, notices: Iterable[str]) -> None:
        """Add remarks to those of the configuration."""
        self.config = replace(self.config, notices=(*self.config.notices, *notices))


def resolve(
    document: Table | None,
    file: str | None,
    *,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    configured: Mapping[str, Any],
    beside: Document = NO_FILE,
    only: Collection[str] | None = None,
    pending: bool = False,
) -> Outcome:
    """Return the configuration of *document* (the tree of *file*), flags, variables and code.

    *beside* is a file that the code of a worker named, of which what SHARED names counts, before the
    worker's own. *only* names what is wanted: of nothing else is anything told, good or bad. *pending*:
    plugins that are not loaded yet may have sections, so those that nobody knows are left alone. Needs
    no YAML and reads no file: ``resolve(None, None, ...)`` is a process without one.
    """
    if only is None:
        features.load()
    top = read_section(document or Table(()), file or "")
    other = _shared(read_section(beside.tree or Table(()), beside.path or ""))
    named = [flags_layer(flags), variables_layer(environ), configured_layer(configured)]
    variables = shared_variables_layer(environ)
    resolver = Resolver([*named, variables, Layer(other), Layer(top)], environ)
    environment = resolver.value("environment", Config().environment)
    files = [layer for each in (other, top) for layer in _of_file(each, environment)]
    resolver.layers = [*named, variables, *files]
    config = _build(resolver, environment, file, only)
    sections = [layer.section for layer in (*named, variables)]
    if only is not None:
        problems = [problem for each in sections for problem in each.problems]
        return Outcome(config, [*resolver.problems, *problems])
    sections += [layer.section for layer in _of_file(top, environment)]
    unused = [each for name, each in top.environments.items() if name != environment]
    problems = [*resolver.problems, *_unused_problems(unused, environ)]
    for section in (*sections, *unused):
        problems.extend(section.problems)
        problems.extend(() if pending else section.strangers)
    notices = [notice for each in sections for notice in each.notices]
    doubts = _doubts_of_environment(environment, resolver.origins["environment"], top)
    notices += [problem.message for problem in doubts if top.environments]
    return Outcome(_with_notices(config, resolver, notices), problems, doubts)


def _of_file(top: Section, environment: str) -> list[Layer]:
    """Return the layers that a file gives in *environment*, its section for that first."""
    section = top.environments.get(environment)
    inner = [] if section is None else [Layer(section, f" ({environment})")]
    return [*inner, Layer(top)]


def _shared(top: Section) -> Section:
    """Return *top* with nothing in it but what all processes have in common."""
    entries = {
        name: entry
        for name, entry in top.entries.items()
        if name.partition(".")[0] in (*SHARED, "environment")
    }
    environments = {name: _shared(each) for name, each in top.environments.items()}
    return replace(top, entries=entries, environments=environments, capsules=[])


def check(outcome: Outcome) -> Config:
    """Return the configuration; raise ConfigError listing all problems when there are any."""
    problems = outcome.problems
    if not problems:
        return outcome.config
    if len(problems) == 1:
        raise ConfigError(str(problems[0]))
    listed = "".join(f"\n  {problem}" for problem in problems)
    raise ConfigError(f"{len(problems)} problems in the configuration:{listed}")


def _build(
    resolver: Resolver, environment: str, file: str | None, only: Collection[str] | None
) -> Config:
    blank = Config()
    values: dict[str, Any] = {
        name: resolver.value(name, getattr(blank, name))
        for name in _CONFIG_FIELDS
        if only is None or name in only
    }
    if only is None:
        values["capsules"] = _capsules(resolver)
        values["features"] = tuple(_features(resolver))
    return Config(
        redis=redis_of(resolver),
        environment=environment,
        origins=resolver.origins,
        file=file,
        **values,
    )


def _features(resolver: Resolver) -> Iterator[Any]:
    """Yield the settings of each feature that has some."""
    for feature in features.declared():
        if feature.settings is None:
            continue
        blank = feature.settings()
        values = {
            field: resolver.value(name, getattr(blank, field))
            for field, name in names_of(feature).items()
        }
        try:
            yield feature.settings(**values)
        except ValueError as error:  # its own, about settings that don't go together
            source = resolver.origins[next(iter(names_of(feature).values()))].partition(";")[0]
            resolver.problems.append(Problem(None, feature.name, str(error), source))
            yield blank


def _capsules(resolver: Resolver) -> tuple[Capsule, ...]:
    blank = Capsule()
    first = _capsule(resolver, "default", "", blank.concurrency)
    # From the file's top level upwards, so that the order is the one people read.
    names = [name for layer in reversed(resolver.layers) for name in layer.section.capsules]
    others = [
        _capsule(resolver, name, f"capsules.{name}.", first.concurrency)
        for name in dict.fromkeys(names)
    ]
    return (first, *others)


def _capsule(resolver: Resolver, name: str, prefix: str, concurrency: int) -> Capsule:
    blank = Capsule()
    threads = resolver.value(f"{prefix}concurrency", concurrency)
    default = (blank.queues, blank.mode, blank.latencies)
    queues, mode, latencies = resolver.value(f"{prefix}queues", default)
    return Capsule(name=name, concurrency=threads, queues=queues, mode=mode, latencies=latencies)


def _unused_problems(sections: Sequence[Section], environ: Mapping[str, str]) -> list[Problem]:
    # A typing mistake in the production section should show on a laptop; a variable that is set
    # only in production should not be missed there.
    found = []
    for section in sections:
        for entry in section.entries.values():
            value, problems = read_entry(entry, section.source, environ)
            if value is not MISSING:
                found.extend(problems)
    return found


def _doubts_of_environment(environment: str, origin: str, top: Section) -> list[Problem]:
    """Return what is strange about an environment that somebody named, and the file does not know."""
    source = origin.partition(";")[0]
    chosen = source == "--environment" or (
        source in ("KIQ_ENV", "APP_ENV", CONFIGURE) and top.environments
    )
    if not chosen or not top.source or environment in top.environments:
        return []
    there = f"; there are: {', '.join(top.environments)}" if top.environments else ""
    near = suggestion(environment, top.environments) or there
    message = f"{top.source} has no section for the environment {environment}{near}"
    return [Problem(None, "environment", message, source)]


def _with_notices(config: Config, resolver: Resolver, notices: list[str]) -> Config:
    for capsule in config.capsules:
        for name in capsule.queue_names:
            if name.isdigit():
                notices.append(
                    f"queue {name} has a number for a name; if it is a weight, "
                    "write [[critical, 6]], not [critical, 6]"
                )
    return replace(config, notices=(*notices, *resolver.notices))
