"""A rival in one arrangement: what runs, with which settings, and what those are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Role:
    """So many programs that are started by *command*: each gets a name, ``role`` and a number."""

    name: str
    command: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One system in one arrangement.

    In commands, ``{bin}`` is the folder of its programs, ``{apps}`` that of the jobs, ``{url}`` the
    server, ``{me}`` the name of the program. *home* is its environment (``kiq``: this one, ``node``:
    that of benchmarks/bullmq/, else a file of requirements/). *period* is in seconds, where it ticks.
    """

    name: str
    home: str
    crew: tuple[Role, ...]
    settings: str
    pusher: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    period: int = 2
