"""Payloads in, jids out: through client middleware, checked and encoded, to a sender."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import interruption, plugin, ruby
from .clock import milliseconds, wall
from .codec import Codec, encode
from .errors import PayloadError
from .guarding import Declined, Guard, Guarded, guarded, stamped
from .importing import at_work, refuse_while_importing
from .jid import Jid
from .middleware import ClientContext, ClientLayers
from .payload import Payload, finite, normalized
from .priority import list_of
from .sender import ByQueue, Load, Scheduled, Sender
from .slices import Answer, completed, in_slices, in_steps
from .sole import Sole

_NONE: Mapping[str, Any] = {}


class Route(Sole, ABC):
    """Where the pushes of a call go: by which pusher, here and now."""

    codec: Codec

    @abstractmethod
    def here(self, *, bulk: bool = False) -> Pusher:
        """Return what pushes here and now; *bulk* says that many jobs are pushed by one call."""

    def carrier(self, *, bulk: bool = False) -> Callable[..., Any] | None:  # noqa: ARG002 (usually none)
        """Return what makes a plain function awaitable that must run elsewhere to find its way, or None."""
        return None

    def mark_of(self, jid: str) -> float | None:  # noqa: ARG002 (where there is no Redis, no cancel)
        """Return the score of the mark that says that *jid* was cancelled."""
        return None


class Pusher(Route):
    """Makes loads of payloads, and hands them to one sender.

    Threads: any, and any forked child.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        codec: Codec,
        sidekiq: int,
        max_payload: int,
        host: plugin.Host,
        at_call: bool = False,
        guards: Sequence[Guard] = (),
    ) -> None:
        """*at_call*: what is pushed waits; only such middleware sees it now that belongs to the call.

        *guards* are asked after those of *host*, about what goes by this pusher.
        """
        self.sender = sender
        self._at_call = at_call
        self.codec = codec
        self.sidekiq = sidekiq
        self._in_seconds = codec == "json" and ruby.counts_seconds(sidekiq)
        self.max_payload = max_payload
        self._host = host
        self._guards = tuple(guards)

    def here(self, *, bulk: bool = False) -> Pusher:  # noqa: ARG002 (one for all)
        """Return itself."""
        return self

    def push(self, payload: Payload, job_class: Any = None) -> str | None:
        """Push one payload; return its jid, or None where client middleware vetoed.

        Where a guard declined it, what that hands back, or raises, takes the place of the jid. ``at`` in
        the payload (epoch seconds) schedules it, unless that is past. One round trip. Raises
        ArgumentError, PayloadError, or a StoreError, whose ``maybe_done`` says whether the job may have
        been pushed all the same (kiq does not push it again by itself).
        """
        return self.push_loads((self._load((completed(payload),), job_class),))[0]

    def is_plain_for(self, job_class: Any, options: Mapping[str, Any] = _NONE) -> bool:
        """Tell whether nobody but the codec looks at its payloads with these *options*."""
        if self._in_seconds or at_work.get():
            return False
        # No call for each: a push that none concerns costs what it did.
        guards = (*self._host.guards, *self._guards) if self._guards else self._host.guards
        for guard in guards:
            if not guard.payload_field or guard.payload_field in options:
                return False
        # No layer at all is the usual case: that costs no call.
        return not self._host.client_middleware.layers or self._layers.of(job_class) is None

    @property
    def _layers(self) -> ClientLayers:
        return self._host.call_layers if self._at_call else self._host.push_layers

    def push_encoded(self, queue: str, raw: bytes, jid: str) -> str:
        """Push one payload that is encoded, and is due now; see :meth:`push`."""
        if interruption.due:
            interruption.arrive()
        error = self.sender.push_one(queue, raw, jid)
        if error is not None:
            raise error.of_push([jid]) from error.__cause__
        return Jid(jid)

    def push_slices(
        self,
        payloads: Iterable[Payload],
        job_class: Any = None,
        batch_size: int | None = None,
        answer: Answer = Declined.answer,
    ) -> list[str | None]:
        """Push many payloads; return a jid (or None, vetoed) for each.

        One round trip for each *batch_size* (1,000; 100 when scheduled). The iterable is read a
        slice at a time. *answer* says what stands for the jid of a job that a guard declined. Raises
        BulkPushError, which lists what was pushed, when it breaks half-way.
        """
        return self.push_loads(self.loads(payloads, job_class, batch_size), answer)

    def push_loads(
        self, loads: Iterable[Load], answer: Answer = Declined.answer
    ) -> list[str | None]:
        """Push payloads that are encoded; see :meth:`push_slices`."""
        steps, outcome = in_steps(loads, answer), None
        while True:
            try:
                load = steps.send(outcome)
            except StopIteration as done:
                return list(done.value)
            if interruption.due:
                interruption.arrive()
            outcome = self.sender.push(load)

    def loads(
        self, payloads: Iterable[Payload], job_class: Any, batch_size: int | None
    ) -> Iterator[Load]:
        """Return payloads as :meth:`push_loads` takes them: through middleware, and encoded."""
        for slice_ in in_slices(payloads, self.slice_size(batch_size)):
            yield self._load(slice_, job_class, batch_size)

    def slice_size(self, batch_size: int | None) -> int | None:
        """Return how many jobs of a bulk go into a load, where its caller said *batch_size*."""
        return sys.maxsize if self.sender.whole else batch_size

    def _load(
        self, payloads: Sequence[Payload], job_class: Any, batch_size: int | None = None
    ) -> Load:
        queues: ByQueue = {}
        scheduled: list[Scheduled] = []
        jids: list[str | None] = []
        extras: dict[bytes, Guarded] = {}
        guards = (*self._host.guards, *self._guards) if self._guards else self._host.guards
        fields = [guard.payload_field for guard in guards]
        now, stamp = wall(), milliseconds()
        layers = self._layers if self._host.client_middleware.layers else None
        for original in payloads:
            if what := at_work.get():
                refuse_while_importing(original["class"], what)
            payload = _passed(layers, original, job_class) if layers else original
            if payload is None:
                jids.append(None)
                continue
            concerned = guards and ("" in fields or not payload.keys().isdisjoint(fields))
            if concerned:
                stamped(guards, payload)
            at = payload.pop("at", None)
            if at is not None and finite(payload["class"], at) > now:
                payload.pop("enqueued_at", None)
                raw = self.encoded(payload)
                scheduled.append((at, raw))
            else:
                payload["enqueued_at"] = stamp
                raw = self.encoded(payload)
                name = list_of(payload) if "priority" in payload else payload["queue"]
                queues.setdefault(name, []).append(raw)
            jids.append(Jid(payload["jid"]))
            # What waits is asked about when it goes.
            if concerned and not self._at_call and (guard := guarded(guards, payload)):
                extras[raw] = guard
        return Load(queues, scheduled, jids, batch_size, extras)

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


def _passed(layers: ClientLayers, payload: Payload, job_class: Any) -> Payload | None:
    job_class = job_class or payload["class"]
    if layers.of(job_class) is None:
        return payload
    result = layers.passed(ClientContext(payload, job_class))
    if result is None:
        return None
    if not isinstance(result, dict):
        raise PayloadError(
            f"{payload['class']}: client middleware must return the payload, or None to veto, "
            f"not {result!r}; did a layer forget `return call_next(context)`?"
        )
    return normalized(result)  # a layer may have changed the queue, or taken a field away
