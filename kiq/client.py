"""The client: payload in, jid out."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import keys, plugin
from .config import SHARED, Codec, Config, Redis
from .errors import StoreError
from .pusher import Pusher, Route
from .sender import Sender
from .store.connection import Connector, Link
from .store.enqueue import RedisSender
from .store.link_pool import LinkPool

logger = logging.getLogger("kiq.client")

DEFAULT_MAX_PAYLOAD = 16 * 1024 * 1024  # bytes


class Client(Pusher):
    """Pushes payloads to one Redis.

    Threads: any, and any forked child.
    """

    def __init__(
        self,
        redis: Any = None,
        *,
        codec: Codec = "msgpack",
        sidekiq: int = 8,
        max_payload: int = DEFAULT_MAX_PAYLOAD,
        push_buffer: int = 0,
        host: plugin.Host = plugin.host,
        guards: Sequence[plugin.Guard] = (),
    ) -> None:
        """*redis* is :class:`kiq.config.Redis`, or a ``redis.Redis``, whose settings are copied.

        *sidekiq* is the major version of Ruby's whose tools read what is pushed in JSON.
        *push_buffer*: so many jobs are kept in memory while Redis can't be reached. *guards* are conditions
        of the pushes of this client, and of no others; see docs/plugins.md.
        """
        #: Opens connections with this client's settings, for what else talks to the same Redis.
        self.connector = Connector(redis if redis is not None else Redis(), "kiq-client")
        #: Its connections, also for whoever only looks at the same Redis.
        self.links = LinkPool(self.connector)
        redis_sender = RedisSender(self.links)
        sender: Sender = redis_sender
        if push_buffer:
            # By name: the house imports no wing, and most do without.
            buffers = importlib.import_module("kiq.plugins.push_buffer")
            sender = buffers.PushBuffer(redis_sender, push_buffer, host)
        super().__init__(
            sender,
            codec=codec,
            sidekiq=sidekiq,
            max_payload=max_payload,
            host=host,
            guards=guards,
        )

    def mark_of(self, jid: str) -> float | None:
        """Return the score of the mark that says that *jid* was cancelled; one round trip."""
        (score,) = self.links.lend(Link.exchange, (("ZSCORE", keys.CANCELLED, jid),))
        if isinstance(score, StoreError):
            raise score
        return None if score is None else float(score)


class _Default:
    """The client of this process, made at its first use.

    Threads: any; the lock makes it once.
    """

    def __init__(self) -> None:
        self.renew_lock()
        self.made: Client | None = None
        self._config: Config | None = None
        self.given: dict[str, Any] = {}

    def renew_lock(self) -> None:
        self._lock = threading.Lock()

    @property
    def config(self) -> Config:
        config = self._config
        if config is None:
            # By name: whoever only pushes by clients of its own does without.
            read = importlib.import_module("kiq.config_file").settings
            config = self._config = read(self.given, only=SHARED)
        return config

    def get(self) -> Client:
        if self.made is None:
            with self._lock:
                if self.made is None:
                    self.made = self._build()
        return self.made

    def set(self, client: Client | None) -> None:
        with self._lock:
            self.made = client
            self._config = None

    def _build(self) -> Client:
        config = self.config
        logger.info("pushing to %s (codec %s)", config.redis.masked_url, config.codec)
        return Client(
            config.redis,
            codec=config.codec,
            sidekiq=config.sidekiq,
            max_payload=config.max_payload,
            push_buffer=config.push_buffer,
        )


_default = _Default()
# Another thread may hold the lock at a fork (it may be starting an embedded server): the child has
# no such thread, and would wait for it for ever.
os.register_at_fork(after_in_child=_default.renew_lock)


#: Asked in turn before the client of the process; ``kiq.testing`` takes the pushes of tests here.
stand_ins: list[Callable[[], Route | None]] = []


def default_client() -> Route:
    """Return what ``perform_async`` pushes by, here and now."""
    for find in stand_ins:
        if route := find():
            return route
    return _default.made or _default.get()


def process_client() -> Client:
    """Return the client of this process, whatever stands in for it here."""
    return _default.get()


def codec_in_use() -> Codec:
    """Return the codec of the client that ``perform_async`` uses, without making it."""
    made = _default.made
    return made.codec if made else _default.config.codec


def sidekiq_in_use() -> int:
    """Return the version of Sidekiq that the client of ``perform_async`` writes for."""
    made = _default.made
    return made.sidekiq if made else _default.config.sidekiq


def settings_in_use() -> Config:
    """Return what this process shares of its settings (``SHARED``): by code, variables and files."""
    return _default.config


def use_client(client: Client | None) -> None:
    """Make *client* the one that ``perform_async`` uses; None builds one anew from the settings."""
    _default.set(client)


def use_settings(given: Mapping[str, Any]) -> None:
    """Build the default client from *given*: what ``kiq.configure`` was, and the files and flags there are.

    What an earlier one keeps in its push buffer, it goes on trying to push where it was to go.
    """
    _default.given = dict(given)
    _default.set(None)


def configured() -> Mapping[str, Any]:
    """Return what ``kiq.configure`` was given, and what :func:`use_settings` was."""
    return _default.given
