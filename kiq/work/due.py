"""What becomes of a due job: to its queue, put off, or else. It passes client middleware for that."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

from .. import children
from ..clock import wall
from ..codec import decode, encode
from ..config import check_queue_name
from ..guarding import guarded
from ..middleware import ClientContext
from ..options import DEFAULTS
from ..payload import moment
from ..priority import list_of
from ..raised import is_a
from ..store.promotion import Promotion
from ..verdict import Dropped, PutOff, Taken, ToDead, Verdict
from .executor import CONVICTED
from .failing import Failures
from .retry import RetryPolicy
from .worker import Worker

logger = logging.getLogger("kiq.poller")

AGAIN = 30.0  # seconds until a job is tried again that could not be promoted
SOON = 5.0  # seconds until one is tried that had to wait for another of its class

_STOPPED = "its promotion hung, or ended its thread or process, three times"

Fate = Promotion | Verdict


class DueJobs:
    """Decides about due jobs, in user code for the most part: on a thread that may hang.

    Threads: any; built at boot.
    """

    def __init__(self, worker: Worker) -> None:
        self._report = worker.report
        self._registry = worker.registry
        self._in_seconds = worker.config.writes_seconds
        policy = RetryPolicy(worker.config.max_retries, random.random, self._in_seconds)
        self._failures = Failures(worker.host, policy)
        self._filters = len(worker.host.client_middleware) > 0
        self._guards = list(worker.host.guards)
        self._layers = worker.host.push_layers

    def fate(self, taken: Taken, may_go_on: Callable[[dict[str, Any]], bool]) -> Fate:
        """Decide about *taken*; *may_go_on* is asked before a payload passes user code."""
        try:
            payload, codec = decode(taken.raw)
            payload.setdefault("queue", DEFAULTS["queue"])
            check_queue_name(payload["queue"])
        except Exception as error:  # noqa: BLE001 (whatever a member does to its readers, it goes)
            self._report(error, {"context": "promotion", "bytes": len(taken.raw)})
            return ToDead(taken.raw, wall(), str(error), ran=False)
        if taken.suspicion >= CONVICTED:
            return self._failures.convict(taken, payload, codec, _STOPPED)
        guards = [guard for guard in self._guards if guard.concerns(payload)]
        if (self._filters or guards) and not may_go_on(payload):
            return PutOff(SOON)
        try:
            changed = self._through_middleware(payload) if self._filters else payload
            children.end_here()
            if changed is None:
                return Dropped("a client middleware vetoed it", ran=False)
            changed.pop("at", None)
            changed["enqueued_at"] = moment(changed, wall(), self._in_seconds)
            if self._filters:
                check_queue_name(changed["queue"])  # a layer may have changed it
            raw = encode(changed, codec)
            asked = guarded(self._guards, changed) if self._guards else None
            children.end_here()
            return Promotion(taken.delivery, list_of(changed), raw, asked)
        except BaseException as error:  # noqa: BLE001 (sys.exit and all: it ends this promotion only)
            children.end_here(error)
            self._report(error, {"context": "promotion", "jid": payload.get("jid")})
            return PutOff(AGAIN) if is_a(error, Exception) else hung(taken)

    def _through_middleware(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        context = ClientContext(payload, self._job_class(payload), promoting=True)
        changed: dict[str, Any] | None = self._layers.passed(context)
        if changed is None:
            jid, name = payload.get("jid"), payload["class"]
            logger.info(
                "dropped at promotion: a client middleware vetoed it [jid=%s class=%s]", jid, name
            )
        return changed

    def _job_class(self, payload: dict[str, Any]) -> Any:
        spec = self._registry.find(payload["class"])
        return (spec and spec.cls) or payload["class"]


def hung(taken: Taken) -> Verdict:
    """Return what becomes of a job whose promotion hung, or would have ended its thread.

    That counts like a crash with the job in hand: it is put off, and the third time it is convicted.
    """
    if taken.suspicion >= CONVICTED:  # even telling of its conviction hangs
        return ToDead(taken.raw, wall(), _STOPPED, ran=False)
    level = taken.suspicion + 1
    return PutOff(0.0 if level >= CONVICTED else AGAIN, level)
