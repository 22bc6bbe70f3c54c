"""The settings of a process, as values: what they are, and their defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from .errors import ConfigError
from .redis_url import mask, with_database, with_namespace

Mode = Literal["strict", "weighted", "random"]
Codec = Literal["msgpack", "json"]
LogFormat = Literal["auto", "pretty", "plain", "json"]
S = TypeVar("S")

_UNFIT_FOR_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

#: Nothing that is special in a pattern of keys, of an ACL or in a URL; braces around all of it or a part.
_NAMESPACE = re.compile(r"(?=.{1,100}\Z)(?!:)(?!.*:\Z)[\w.:-]*(\{[\w.:-]+\})?[\w.:-]*", re.ASCII)
_OWN = ("kiq", "queue", "stat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """Queues and the threads that serve them together.

    *concurrency* is a number of threads. *queues* are pairs (queue, weight); the weight counts
    only in the weighted *mode*. *latencies* are pairs (queue, seconds): no job shall wait for longer.
    """

    name: str = "default"
    concurrency: int = 10
    queues: tuple[tuple[str, int], ...] = (("default", 1),)
    mode: Mode = "strict"
    latencies: tuple[tuple[str, float], ...] = ()

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
    ``redis.Redis``, takes the place of the URL: its connections are copied. With *namespace* the names of
    all keys and channels begin with it and a colon (None: what the URL says, else they are bare).
    """

    url: str = "redis://localhost:6379/0"
    connect_timeout: float | None = None
    socket_timeout: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    client: Any = None
    namespace: str | None = None

    @property
    def masked_url(self) -> str:
        """What may be printed: the URL with ``***`` for its password, the database and namespace in use."""
        return with_namespace(with_database(mask(self.url), self.options.get("db")), self.namespace)

    def __repr__(self) -> str:
        """Show no secret: the URL masked, of the options only the names."""
        return (
            f"Redis(url={self.masked_url!r}, connect_timeout={self.connect_timeout}, "
            f"socket_timeout={self.socket_timeout}, options={sorted(self.options)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of a process.

    Durations (*shutdown_timeout*, *dead_timeout*, *lease*) are seconds, *max_payload* is bytes,
    *push_buffer* is a number of jobs. *sidekiq* is the major version of Ruby's Sidekiq, 6 to 8, whose
    tools are to read what kiq writes. *features* holds the settings of features: see :meth:`of`.
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
    lease: float = 20.0
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
    features: tuple[Any, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    file: str | None = None

    @property
    def writes_seconds(self) -> bool:
        """Whether the times in new payloads are seconds, as in Ruby's Sidekiq before 8."""
        return self.sidekiq < 8 and self.codec == "json"

    def of(self, kind: type[S]) -> S:
        """Return the settings of the feature that declared *kind*; its defaults, if none are set."""
        return next((each for each in self.features if type(each) is kind), kind())


#: What the rest of a process wants to know of its configuration: producers, and kiq.api.
SHARED = (
    *("redis", "codec", "sidekiq", "max_payload", "push_buffer"),
    *("dead_max_jobs", "dead_timeout"),
)


def check_namespace(name: object) -> str:
    """Return *name* if a namespace may be called so; raise ConfigError saying what is allowed."""
    if not isinstance(name, str) or not _NAMESPACE.fullmatch(name):
        raise ConfigError(
            "redis.namespace must be 1 to 100 letters, digits, _ . - and : without a colon at either end "
            "(kiq puts one behind it), in braces for a cluster, as in {shop}, "
            f"not {str(name)[:60]!r}"
        )
    if (first := name.partition(":")[0]) in _OWN:
        raise ConfigError(
            f"redis.namespace must not begin with {first}: Sidekiq and kiq have names of their own there"
        )
    return name


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
