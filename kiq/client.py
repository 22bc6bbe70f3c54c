"""The client: payload in, jid out."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import interruption, keys, plugin, ruby
from .clock import milliseconds, wall
from .codec import encode
from .config import SHARED, Codec, Config, Redis
from .errors import PayloadError, StoreError
from .importing import at_work, refuse_while_importing
from .jid import Jid
from .middleware import ClientContext
from .payload import Payload, finite, normalized
from .push_buffer import PushBuffer
from .slices import completed, in_slices, in_steps
from .sole import Sole
from .store.connection import Connector
from .store.enqueue import ByQueue, Enqueue, Scheduled
from .undone import check_done

logger = logging.getLogger("kiq.client")

DEFAULT_MAX_PAYLOAD = 16 * 1024 * 1024  # bytes

#: A slice by where it goes, encoded, and the jid (None: vetoed) of each payload.
Sorted = tuple[ByQueue, Sequence[Scheduled], Sequence[str | None]]


class Client(Sole):
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
    ) -> None:
        """*redis* is :class:`kiq.config.Redis`, or a ``redis.Redis``, whose settings are copied.

        *sidekiq* is the major version of Ruby's whose tools read what is pushed in JSON.
        *push_buffer*: so many jobs are kept in memory while Redis can't be reached.
        """
        #: Opens connections with this client's settings, for what else talks to the same Redis.
        self.connector = Connector(redis if redis is not None else Redis(), "kiq-client")
        enqueue = Enqueue(self.connector)
        self._enqueue: Enqueue | PushBuffer = enqueue
        self._looks = enqueue
        if push_buffer:
            self._enqueue = PushBuffer(enqueue, push_buffer)
            host.events.on("exit", self._enqueue.close)
        self.codec = codec
        self.sidekiq = sidekiq
        self.max_payload = max_payload
        self._host = host

    def push(self, payload: Payload, job_class: Any = None) -> str | None:
        """Push one payload; return its jid, or None where client middleware vetoed.

        ``at`` in the payload (epoch seconds) schedules it, unless that is past. One round trip.
        Raises ArgumentError, PayloadError, or a StoreError, whose ``maybe_done`` says whether the
        job may have been pushed all the same (kiq does not push it again by itself).
        """
        return self.push_sorted((self._sorted((completed(payload),), job_class),))[0]

    def mark_of(self, jid: str) -> float | None:
        """Return the score of the mark that says that *jid* was cancelled; one round trip."""
        return self._looks.score(keys.CANCELLED, jid)

    @property
    def is_plain(self) -> bool:
        """Whether nobody but the codec for MessagePack looks at payloads before they are pushed."""
        looked_at = self._host.client_middleware.layers or at_work.get()
        return self.codec == "msgpack" and not looked_at

    def push_encoded(self, queue: str, raw: bytes, jid: str) -> str:
        """Push one payload that is encoded, and is due now; see :meth:`push`."""
        if interruption.due:
            interruption.arrive()
        try:
            self._enqueue.push(queue, raw)
        except StoreError as error:
            raise error.of_push([jid]) from error.__cause__
        return Jid(jid)

    def push_slices(
        self, payloads: Iterable[Payload], job_class: Any = None, batch_size: int | None = None
    ) -> list[str | None]:
        """Push many payloads; return a jid (or None, vetoed) for each.

        One round trip for each *batch_size* (1,000; 100 when scheduled). The iterable is read a
        slice at a time. Raises BulkPushError, which lists what was pushed, when it breaks half-way.
        """
        return self.push_sorted(self.slices(payloads, job_class, batch_size))

    def slices(
        self, payloads: Iterable[Payload], job_class: Any, batch_size: int | None
    ) -> Iterator[Sorted]:
        """Return payloads as :meth:`push_sorted` takes them: through middleware, and encoded."""
        return (self._sorted(slice_, job_class) for slice_ in in_slices(payloads, batch_size))

    def push_sorted(self, slices: Iterable[Sorted]) -> list[str | None]:
        """Push payloads that are encoded; see :meth:`push_slices`."""
        steps = in_steps(slices)
        try:
            while True:
                queues, scheduled, _ = next(steps)
                if interruption.due:
                    interruption.arrive()
                try:
                    self._enqueue.push_many(queues, scheduled)
                except StoreError as error:
                    steps.throw(error)
        except StopIteration as done:
            return list(done.value)

    def _sorted(self, payloads: Sequence[Payload], job_class: Any) -> Sorted:
        queues: ByQueue = {}
        scheduled: list[Scheduled] = []
        jids: list[str | None] = []
        now, stamp = wall(), milliseconds()
        filtering = self._host.client_middleware.layers
        for original in payloads:
            if what := at_work.get():
                refuse_while_importing(original["class"], what)
            payload = self._through_middleware(original, job_class) if filtering else original
            if payload is None:
                jids.append(None)
                continue
            at = payload.pop("at", None)
            if at is not None and finite(payload["class"], at) > now:
                payload.pop("enqueued_at", None)
                scheduled.append((at, self.encoded(payload)))
            else:
                payload["enqueued_at"] = stamp
                queues.setdefault(payload["queue"], []).append(self.encoded(payload))
            jids.append(Jid(payload["jid"]))
        return queues, scheduled, jids

    def _through_middleware(self, payload: Payload, job_class: Any) -> Payload | None:
        fold = self._host.client_middleware.fold(_payload_of)
        result = fold(ClientContext(payload, job_class or payload["class"]))
        if result is None:
            return None
        check_done(result, "client middleware")
        if not isinstance(result, dict):
            raise PayloadError(
                f"{payload['class']}: client middleware must return the payload, or None to veto, "
                f"not {result!r}; did a layer forget `return call_next(context)`?"
            )
        return normalized(result)  # a layer may have changed the queue, or taken a field away

    def encoded(self, payload: Payload) -> bytes:
        """Return *payload* as bytes. Raises ArgumentError, or PayloadError where it is too large."""
        if self.codec == "json":
            ruby.fit(payload, self.sidekiq)
        raw = encode(payload, self.codec)
        if len(raw) > self.max_payload:
            raise PayloadError(
                f"{payload['class']}: the payload is {len(raw)} bytes, limit {self.max_payload} "
                "(max_payload); store the data elsewhere and pass its id"
            )
        return raw


def _payload_of(context: ClientContext) -> Payload:
    return context.payload


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
stand_ins: list[Callable[[], Client | None]] = []


def default_client() -> Client:
    """Return the client that ``perform_async`` uses."""
    for find in stand_ins:
        if client := find():
            return client
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
