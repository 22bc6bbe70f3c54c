"""Periodic jobs: the section ``periodic``, and those that code declares."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from math import inf
from typing import Annotated, Any, TypeVar

from ...errors import ArgumentError, ConfigError, PayloadError
from ...features import Feature, Named, declare
from ...pushing import prepared
from ...registry import registry
from .periodic_entry import Definition, parse
from .periodic_rule import Wrong, rule_of, zone_of

J = TypeVar("J")
logger = logging.getLogger("kiq.periodic")

#: By name, what code has declared in this process.
in_code: dict[str, Definition] = {}


@dataclass(frozen=True, slots=True)
class PeriodicSettings:
    """*periodic* are the entries of the file, by name; None where there is no such section."""

    periodic: Annotated[dict[str, Definition] | None, Named(parse)] = None


def periodic(
    cron: str | None = None,
    *,
    every: float | str | timedelta | None = None,
    name: str | None = None,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    timezone: str | tzinfo | None = None,
    start: str | float | datetime | None = None,
    end: str | float | datetime | None = None,
    jitter: float | str | timedelta = 0,
    overlap: str = "allow",
    missed: str = "once",
    within: float | str | timedelta = 86_400,
    description: str = "",
    enabled: bool = True,
) -> Any:
    """Decorate a job class, or a function job, that is to run periodically.

    *cron* has five fields, or six with seconds first; or *every* is a time (``"30s"``, seconds, a
    timedelta). *name* is that of the job class by default: of several decorators for one class each needs
    its own. *queue* takes the place of that of the class. See docs/periodic.md for the rest. Raises
    ConfigError for what is wrong.
    """
    given = {
        **{"cron": cron, "every": every, "timezone": timezone, "start": start, "end": end},
        "queue": queue,
        **{"args": list(args), "kwargs": dict(kwargs or {}), "jitter": jitter, "overlap": overlap},
        **{"missed": missed, "within": within, "description": description, "enabled": enabled},
    }
    given = {key: value for key, value in given.items() if value is not None}

    def attach(job: J) -> J:
        _declare(job, name, given)
        return job

    return attach


def _declare(job: Any, name: str | None, given: Mapping[str, Any]) -> None:
    spec = getattr(job, "__dict__", {}).get("_kiq_spec")
    if spec is None:
        raise ConfigError(f"periodic is for a job class or a function job, not {job!r}")
    called = name or spec.name
    try:
        found = parse(called, {**given, "class": spec.name}).of("code", "")
        prepared(dict(found.payload))
    except (Wrong, PayloadError, ArgumentError) as error:
        raise ConfigError(f"periodic job {called!r}: {_said(error)}") from None
    if in_code.setdefault(called, found) != found:
        raise ConfigError(f"two periodic jobs are named {called!r}: give one of them a name=")


def defined(name: str, job: Any, written: Mapping[str, Any]) -> Definition:
    """Return the entry that somebody adds while it runs. Raises ConfigError for what is wrong."""
    spec = getattr(job, "__dict__", {}).get("_kiq_spec")
    try:
        one = parse(name, {**written, "class": spec.name if spec is not None else job})
        return _with(one.of("api", ""), completed(one), "")
    except (Wrong, PayloadError, ArgumentError) as error:
        raise ConfigError(f"periodic job {name!r}: {_said(error)}") from None


def _said(error: Exception) -> str:
    key = getattr(error, "key", "")
    return f"{key} {error}" if key else str(error)


def wanted(settings: Any) -> bool:
    """Tell whether there are periodic jobs here, or there may be some that are added while it runs."""
    return bool(in_code) or settings.periodic is not None


def static(settings: PeriodicSettings, app: str) -> tuple[list[Definition], dict[str, str]]:
    """Return what file and code have, with the options of their classes; and by name what is wrong."""
    found: list[Definition] = []
    wrong: dict[str, str] = {}
    given = {**in_code, **(settings.periodic or {})}
    for one in given.values():
        try:
            payload = completed(one)
        except (PayloadError, ArgumentError, ConfigError) as error:
            wrong[one.name] = str(error)
            continue
        found.append(_with(one, payload, app))
    return found, wrong


def completed(one: Definition) -> dict[str, Any]:
    """Return the job of *one* with the options of its class. Raises PayloadError, ConfigError.

    A class that is not known here is another program's, if its queue is named.
    """
    name = one.payload["class"]
    if registry.find(name) is None and "queue" not in one.payload:
        raise ConfigError(
            f"no job class named {name!r} is registered; name one, or, if another program has it, "
            "give the entry a queue"
        )
    payload, _ = prepared(dict(one.payload))
    return {key: value for key, value in payload.items() if key not in ("jid", "created_at")}


def _with(one: Definition, payload: Mapping[str, Any], app: str) -> Definition:
    fields = {name: getattr(one, name) for name in one.__slots__}
    return Definition(**{**fields, "payload": payload, "app": app})


def _problems(settings: Any) -> Iterator[tuple[int | None, str]]:
    """Yield what is wrong with entries of the file, now that the application is imported."""
    _, wrong = static(settings, "")
    lines = {name: one.line for name, one in (settings.periodic or {}).items()}
    for name, why in wrong.items():
        yield lines.get(name), f"periodic: {name}: {why}"
    both = in_code.keys() & (settings.periodic or {}).keys()
    for name in sorted(both):
        logger.info("periodic job %r is in the file and in code: that of the file holds", name)


def shown_ticks(text: str, timezone: str, count: int, now: float) -> Iterator[str]:
    """Yield the next *count* ticks of a cron expression, or a time such as 90s, for people.

    Raises ValueError for what is neither.
    """
    given = {"cron": text} if " " in text.strip() or text.startswith("@") else {"every": text}
    rule = rule_of(**given, timezone=timezone)
    for tick in islice(rule.between(now, inf), count):
        here = datetime.fromtimestamp(tick, zone_of(rule.timezone))
        yield f"{here:%Y-%m-%d %H:%M:%S %Z}"


declare(
    Feature(
        "periodic",
        settings=PeriodicSettings,
        section="",
        plugin="kiq.plugins.periodic.plugin:Periodic",
        wanted=wanted,
        problems=_problems,
    )
)
