"""The settings of a process, as values: what they are, their defaults, how they are shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import ConfigError
from .redis_url import mask, with_database

Mode = Literal["strict", "weighted", "random"]
Codec = Literal["msgpack", "json"]
LogFormat = Literal["auto", "pretty", "plain", "json"]

_UNFIT_FOR_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """Queues and the threads that serve them together.

    *concurrency* is a number of threads. *queues* are pairs (queue, weight); the weight counts
    only in the weighted *mode*.
    """

    name: str = "default"
    concurrency: int = 10
    queues: tuple[tuple[str, int], ...] = (("default", 1),)
    mode: Mode = "strict"

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The names of the queues, in the order given."""
        return tuple(name for name, _ in self.queues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """Where Redis is and how to talk to it.

    *url* is redis://, rediss://, unix:// or the word "embedded"; the time-outs are in seconds (None: what
    the URL or *client* says, else 3 and 5); *options* are further keyword arguments of redis-py's
    connection (username, ssl_ca_certs, ...), and come before what the URL says. *client*, a
    ``redis.Redis``, takes the place of the URL: its connections are copied.
    """

    url: str = "redis://localhost:6379/0"
    connect_timeout: float | None = None
    socket_timeout: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    client: Any = None

    @property
    def masked_url(self) -> str:
        """The URL with its password replaced by ``***``, and the database in use: what may be printed."""
        return with_database(mask(self.url), self.options.get("db"))

    def __repr__(self) -> str:
        """Show no secret: the URL masked, of the options only the names."""
        return (
            f"Redis(url={self.masked_url!r}, connect_timeout={self.connect_timeout}, "
            f"socket_timeout={self.socket_timeout}, options={sorted(self.options)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of a process.

    Durations (*shutdown_timeout*, *dead_timeout*, *lease*, *async_blocked_after*, and
    *max_iteration_runtime*, whose 0 is no limit) are seconds, *max_payload* is bytes, *push_buffer*
    and *async_concurrency* are numbers of jobs. *sidekiq* is the major version of Ruby's Sidekiq,
    6 to 8, whose tools are to read what kiq writes.
    *origins* says for each setting where its value came from and what that overrides; *notices*
    are remarks on the configuration that a person should see; *file* is the file that was read.
    """

    capsules: tuple[Capsule, ...] = (Capsule(),)
    redis: Redis = field(default_factory=Redis)
    codec: Codec = "msgpack"
    sidekiq: int = 8
    shutdown_timeout: float = 25.0
    max_retries: int = 25
    dead_max_jobs: int = 10_000
    dead_timeout: float = 180 * 86400.0
    lease: float = 60.0
    max_iteration_runtime: float = 0.0
    require: tuple[str, ...] = ()
    environment: str = "development"
    tag: str = ""
    labels: tuple[str, ...] = ()
    log_level: str = "info"
    log_format: LogFormat = "auto"
    allow_ruby_server: bool = False
    skip_default_job_logging: bool = False
    logged_job_attributes: tuple[str, ...] = ("bid", "tags")
    plugins: tuple[str, ...] = ()
    disable_plugins: tuple[str, ...] = ()
    max_payload: int = 16 * 1024 * 1024
    push_buffer: int = 0
    time_limit_grace: float = 30.0
    max_stuck: int = 0
    async_concurrency: int = 1000
    async_loop: Literal["asyncio", "uvloop"] = "asyncio"
    async_blocked_after: float = 0.5
    origins: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    file: str | None = None

    @property
    def writes_seconds(self) -> bool:
        """Whether the times in new payloads are seconds, as in Ruby's Sidekiq before 8."""
        return self.sidekiq < 8 and self.codec == "json"


#: What the rest of a process wants to know of its configuration: producers, and kiq.api.
SHARED = (
    *("redis", "codec", "sidekiq", "max_payload", "push_buffer"),
    *("dead_max_jobs", "dead_timeout"),
)


def check_queue_name(name: str) -> str:
    """Return *name* if a queue may be called so; raise ConfigError saying what is allowed."""
    if isinstance(name, str) and name and not _UNFIT_FOR_A_NAME.search(name):
        return name
    shown = repr(name)
    if len(shown) > 60:
        shown = f"{shown[:50]}… ({len(str(name))} characters)"
    raise ConfigError(
        f"{shown} can't be the name of a queue: a name is any text that is not empty, without "
        "control characters or halves of surrogate pairs"
    )


def parse_queues(
    entries: Iterable[tuple[str, int | None]],
) -> tuple[tuple[tuple[str, int], ...], Mode]:
    """Return the queues with their weights, and the mode that these weights ask for.

    *entries* are pairs (queue, weight or None). No weight on any: strict, in the order given. Every
    weight given as 1: random. Otherwise weighted, where a queue without a weight counts 1. A
    repeated queue counts once. Raises ConfigError for a bad name or weight, for a queue that is
    given two weights, and when there is no queue at all.
    """
    weights: dict[str, int | None] = {}
    for name, weight in entries:
        check_queue_name(name)
        _check_weight(name, weight)
        if name in weights and weights[name] != weight:
            first, second = _weight_text(weights[name]), _weight_text(weight)
            raise ConfigError(f"queue {name} stands twice, with {first} and with {second}")
        weights[name] = weight
    if not weights:
        raise ConfigError("no queue is named: name at least one, as in queues: [default]")
    return tuple((name, weight or 1) for name, weight in weights.items()), _mode(weights)


def banner_lines(config: Config) -> list[str]:
    """Return what a process says of its configuration when it starts; holds no password."""
    lines = [
        f"environment: {config.environment}{_origin(config, 'environment')}",
        f"config file: {config.file or 'none'}",
    ]
    for capsule in config.capsules:
        prefix = "" if capsule.name == "default" else f"capsules.{capsule.name}."
        lines.append(
            f"capsule {capsule.name}: {capsule.mode} order, queues {queues_text(capsule)}"
            f"{_origin(config, prefix + 'queues')}, "
            f"{capsule.concurrency} threads{_origin(config, prefix + 'concurrency')}"
        )
    lines.append(f"codec: {config.codec}{_origin(config, 'codec')}")
    if config.codec == "json":
        lines.append(f"sidekiq: {config.sidekiq}{_origin(config, 'sidekiq')}")
    place = f"redis: {config.redis.masked_url}{_origin(config, 'redis.url')}"
    number = config.redis.options.get("db")
    if number is not None:
        place += f", database {number}{_origin(config, 'redis.db')}"
    return [*lines, place]


def queues_text(capsule: Capsule) -> str:
    """Return the queues as ``-q`` would take them: ``critical,6 default,3``, or names alone."""
    if capsule.mode == "strict":
        words = [f"{name}," if "," in name else name for name in capsule.queue_names]
    else:
        words = [f"{name},{weight}" for name, weight in capsule.queues]
    return " ".join(map(shlex.quote, words))


def _check_weight(name: str, weight: int | None) -> None:
    if weight is None:
        return
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= 1000:
        raise ConfigError(
            f"the weight of queue {name} must be a whole number from 1 to 1000, not {weight!r}"
        )


def _weight_text(weight: int | None) -> str:
    return "no weight" if weight is None else f"weight {weight}"


def _mode(weights: Mapping[str, int | None]) -> Mode:
    if all(weight is None for weight in weights.values()):
        return "strict"
    if all(weight == 1 for weight in weights.values()):
        return "random"
    return "weighted"


def _origin(config: Config, setting: str) -> str:
    origin = config.origins.get(setting)
    return f" ({origin})" if origin else ""
