"""The Redis of a process, out of the layers: what its URL says counts as much as the URL itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..config import Redis
from ..errors import ConfigError
from ..store.source import source_of
from .resolver import Candidate, Resolver
from .tree import Problem
from .url_settings import said_by

_FIELDS = ("connect_timeout", "socket_timeout", "namespace")
#: What a client of redis-py does not have of its own.
_OURS = ("redis.namespace",)
#: Two ways to say one thing: the second is read anew for each connection.
_EITHER = tuple(
    (f"{whose}{name}", f"{whose}{name}_file")
    for whose in ("", "sentinel_")
    for name in ("username", "password")
)
_NAMED = re.compile(r"redis\.\w+")


def redis_of(resolver: Resolver) -> Redis:
    """Return the Redis that the layers of *resolver* lead to; its problems and notices are noted there.

    For each setting alone the first layer counts that gives it, and a URL gives what it says: its user,
    its database, its parameters. A client of redis-py gives all.
    """
    before = len(resolver.problems)
    winner = resolver.decide("redis.url", resolver.candidates("redis.url"))
    in_url = _said(winner) if winner is not None else {}
    values: dict[str, Any] = {}
    ranks: dict[str, Candidate] = {}
    given = [name for layer in resolver.layers for name in layer.section.entries]
    names = [name.removeprefix("redis.") for name in given if name.startswith("redis.")]
    for name in dict.fromkeys((*names, *in_url)):
        if name == "url":
            continue
        chosen = _chosen(resolver, f"redis.{name}", winner, in_url.get(name))
        if chosen is not None:
            ranks[name] = chosen
        if chosen is not None and chosen is not in_url.get(name):
            values[name] = chosen.value
    for either in _EITHER:
        _either(resolver, values, ranks, *either)
    fields = {name: values.pop(name, None) for name in _FIELDS}
    place = Redis().url if winner is None else winner.value
    if isinstance(place, str):
        redis = Redis(url=place, **fields, options=values)
        redis = replace(redis, options=_fitting(resolver, redis))
    else:
        redis = Redis(url=source_of(place).where, **fields, options=values, client=place)
    if len(resolver.problems) == before:
        _try(resolver, redis)
    return redis


def _said(winner: Candidate) -> dict[str, Candidate]:
    """Return what the URL that won says besides the place, by the names of settings."""
    values = said_by(winner.value)[0] if isinstance(winner.value, str) else {}
    return {name: Candidate(value, winner.label, winner.rank, []) for name, value in values.items()}


def _chosen(
    resolver: Resolver, setting: str, winner: Candidate | None, said: Candidate | None
) -> Candidate | None:
    """Return who gives *setting*: whoever is not after the URL, the URL, and only then the others."""
    found = resolver.candidates(setting)
    if winner is None or (said is None and (isinstance(winner.value, str) or setting in _OURS)):
        return resolver.decide(setting, found)
    first = [each for each in found if each.rank <= winner.rank]
    later = found[len(first) :]
    if said is None:
        for each in later:
            resolver.notices.append(
                f"{setting} ({each.label}) is not used: the client of {winner.label} has its own"
            )
        return resolver.decide(setting, first) if first else None
    return resolver.decide(setting, [*first, said, *later])


def _either(
    resolver: Resolver,
    values: dict[str, Any],
    ranks: Mapping[str, Candidate],
    plain: str,
    file: str,
) -> None:
    """Take out of *values* that one of two settings which is given by a later layer; note it."""
    if plain not in ranks or file not in ranks:
        return
    first, second = sorted((plain, file), key=lambda name: ranks[name].rank)
    if ranks[first].rank == ranks[second].rank:
        message = f"redis.{plain} and redis.{file} are both given: one of them is enough"
        resolver.problems.append(Problem(None, "redis", message, ranks[file].label))
        return
    if second in values:
        del values[second]
    elif second == file:
        values[second] = ""  # of the URL, which says it
    resolver.notices.append(
        f"redis.{second} ({ranks[second].label}) is not used: redis.{first} ({ranks[first].label}) is"
    )


def _fitting(resolver: Resolver, redis: Redis) -> Mapping[str, Any]:
    """Return the options without those that a URL of this kind has no use for; note them."""
    kept = dict(redis.options)
    for name in redis.options:
        scheme, by_sentinel, _ = redis.url.partition("://")[0].lower().partition("+sentinel")
        unfit = (
            (name.startswith("ssl_") and scheme != "rediss")
            or (name.startswith("sentinel_") and not by_sentinel)
            or (name == "socket_keepalive" and scheme not in ("redis", "rediss"))
        )
        if unfit:
            del kept[name]
            resolver.notices.append(
                f"redis.{name} ({resolver.origins[f'redis.{name}']}) is not used: "
                f"it does not fit {redis.masked_url}"
            )
    return kept


def _try(resolver: Resolver, redis: Redis) -> None:
    """Go as far as one can without a network: to a connection that could be opened."""
    try:
        source_of(redis, start=False).check_files()
    except ConfigError as error:
        named = _NAMED.search(str(error))
        origin = resolver.origins.get(named[0] if named else "", resolver.origins["redis.url"])
        resolver.problems.append(Problem(None, "redis", str(error), origin.partition(";")[0]))
