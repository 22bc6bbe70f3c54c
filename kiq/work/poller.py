"""The poller: moves due jobs of the retry and scheduled sets to their queues."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from .. import keys
from ..clock import steady, wall
from ..codec import decode, encode
from ..config import check_queue_name
from ..errors import StoreError, StoreUnavailable
from ..middleware import ClientContext
from ..options import DEFAULTS
from ..payload import moment
from ..store import flight, owners, promotion
from ..store.connection import Link
from ..store.flight import DeadLimits
from ..store.promotion import Promotion
from ..verdict import Dropped, Flight, Settlement, Taken, ToDead, ToSchedule, Verdict
from .ear import Ear, wait_for
from .outage import Outage
from .ownership import Ownership
from .reply_size import ReplySize
from .worker import Worker

logger = logging.getLogger("kiq.poller")

_TERM = 1.5  # seconds that an election holds without being renewed
_RENEW = 0.5
_STANDBY = 0.5  # seconds between two candidacies of a process that is not elected
_STANDBY_CALLS = 200  # a second, of the whole fleet
_BATCH = 500
_HANGS_AFTER = 5.0  # seconds after which claims are given back by the heartbeat
_CAREFUL = 60.0  # seconds during which jobs are then promoted one at a time
_AGAIN = 30.0  # seconds until a job is tried again that could not be promoted


class Poller:
    """Promotes, while this process is the elected one.

    Threads: its own; the launcher stops it, the heartbeat calls :meth:`rescue`.
    """

    def __init__(self, worker: Worker) -> None:
        self.thread = threading.Thread(target=self._run, name="kiq-poller", daemon=True)
        self._worker = worker
        self._link = worker.connector.open()
        self._ear = Ear(worker.connector)
        self._outage = Outage("poller")
        self._reply_size = ReplySize()
        self._limits = DeadLimits(worker.config.dead_max_jobs, worker.config.dead_timeout)
        self._in_seconds = worker.config.writes_seconds
        self._filters = len(worker.host.client_middleware) > 0
        self._layers = worker.host.client_middleware.fold(_payload_of)
        self._ownership: Ownership | None = None
        self._abandoned: str | None = None  # an owner of ours whose claims must go back first
        self._claimed_at: float | None = None
        self._careful_until = 0.0
        self.left = False  # its claims are given back
        self._stopping = threading.Event()
        self._alarm_end, self._alarm = os.pipe()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        os.write(self._alarm, b"!")

    def rescue(self, link: Link) -> None:
        """Give claims back that are older than 5 s: a client middleware hangs. For the heartbeat."""
        claimed_at, ownership = self._claimed_at, self._ownership
        if claimed_at is None or ownership is None or steady() - claimed_at < _HANGS_AFTER:
            return
        self._claimed_at = None
        self._careful_until = steady() + _CAREFUL
        gone = owners.reclaim(link, ownership.owner, proven=True, crashed=False)
        logger.error(
            "a client middleware has not returned for %.0f s: %d due jobs went back to their sets, and "
            "are now promoted one at a time",
            _HANGS_AFTER,
            gone.moved if gone else 0,
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                seconds = self._turn()
                self._outage.over()
            except StoreError as error:
                seconds = self._broke(error)
            except Exception as error:  # noqa: BLE001 (the poller must outlive whatever happens)
                self._worker.host.report(error, {"context": "poller"})
                seconds = self._broke(error)
            self._wait(seconds)
        self._leave()

    def _broke(self, error: Exception) -> float:
        """Give up this owner, whose claims are in an unknown state; they go back at the next turn."""
        self._link.close()
        self._reply_size.lost(steady())
        if self._ownership is not None:
            self._abandon(self._ownership)
        return self._outage.failed(error)

    def _abandon(self, ownership: Ownership) -> None:
        self._worker.owners.remove(ownership)
        self._abandoned = ownership.owner
        self._ownership = self._claimed_at = None

    def _turn(self) -> float:
        """Promote what is due, if elected; return how many seconds may pass until the next turn."""
        if self._abandoned:
            owners.reclaim(self._link, self._abandoned, proven=True, crashed=False)
            self._abandoned = None
        if not owners.elect(self._link, keys.POLLER, self._worker.identity, _TERM):
            return max(_STANDBY, self._worker.fleet / _STANDBY_CALLS)
        if self._ownership is None:
            self._register()
        self._ear.listen(keys.POLLER_BELL)
        renew_at = steady() + _RENEW
        pause = _RENEW
        refused: StoreError | None = None
        for source in (keys.RETRY, keys.SCHEDULE):
            try:
                pause = min(pause, self._promote_all(source, renew_at))
            except StoreUnavailable:
                raise
            except StoreError as error:
                # A key of the wrong type, say: the other set must not wait for its mending.
                refused = StoreError(f"jobs that are due in {source} can't be promoted: {error}")
                refused.__cause__ = error
        if refused is not None:
            raise refused
        return pause

    def _promote_all(self, source: str, renew_at: float) -> float:
        """Promote what is due in *source*; return the seconds until the next turn."""
        while not self._stopping.is_set():
            due_in = self._promote(source)
            if due_in > 0:
                return due_in
            if steady() > renew_at:
                break  # renew the election before going on; the other set has had its batch too
        return 0.0

    def _register(self) -> None:
        ownership = Ownership(self._worker.new_owner("poller"), [keys.RETRY, keys.SCHEDULE])
        owners.register(
            self._link,
            ownership.owner,
            self._worker.lease,
            list(ownership.flights),
            self._worker.facts,
        )
        self._worker.owners.add(ownership)
        self._ownership = ownership

    def _promote(self, source: str) -> float:
        """Promote one batch of *source*; return the seconds until the next is due (0: at once)."""
        ownership = self._ownership
        if ownership is None:
            return 0.0
        limit = 1 if steady() < self._careful_until else _BATCH
        call = ownership.next_call()
        size = self._reply_size.ask(steady())
        claimed = promotion.claim(self._link, ownership.owner, source, call, limit, size)
        self._reply_size.arrived(len(claimed.raws))
        if claimed.fenced:
            self._abandon(ownership)
            self._register()
            return 0.0
        if claimed.raws:
            self._claimed_at = steady()
            self._commit(ownership.flight(source), call, claimed.raws)
            self._claimed_at = None
        if claimed.next_due is None:
            return _RENEW
        return max(0.0, claimed.next_due - claimed.now)

    def _commit(self, source: Flight, call: int, raws: list[bytes]) -> None:
        promotions: list[Promotion] = []
        others: list[Settlement] = []
        for index, raw in enumerate(raws, start=1):
            delivery = f"{call}.{index}"
            fate = self._fate(delivery, raw)
            if isinstance(fate, Promotion):
                promotions.append(fate)
            else:
                others.append((Taken(delivery, source, raw, 0.0), fate))
        if promotions:
            _, refused = promotion.commit(self._link, source.owner, source.source, promotions)
            for problem in refused:
                self._worker.host.report(StoreError(problem), {"context": "promotion"})
            if refused:
                # Later, so that they don't stand in front of what is due for other queues. Those that
                # did enter are not in flight any more: for them this does nothing.
                ids = {one.delivery for one in promotions}
                others += _put_off(source, call, raws, ids)
        if others:
            commands = [flight.move_command(one, wall(), self._limits) for one in others]
            for reply in self._link.exchange(commands):
                if isinstance(reply, StoreError):
                    raise reply

    def _fate(self, delivery: str, raw: bytes) -> Promotion | Verdict:
        """Decide about one due member: to its queue, or what else."""
        try:
            payload, codec = decode(raw)
            payload.setdefault("queue", DEFAULTS["queue"])
            check_queue_name(payload["queue"])
        except Exception as error:  # noqa: BLE001 (whatever a member does to its readers, it goes)
            self._worker.host.report(error, {"context": "promotion", "bytes": len(raw)})
            return ToDead(raw, wall(), str(error), ran=False)
        try:
            changed = self._through_middleware(payload) if self._filters else payload
            if changed is None:
                return Dropped("a client middleware vetoed it", ran=False)
            changed.pop("at", None)
            changed["enqueued_at"] = moment(changed, wall(), self._in_seconds)
            queue = changed["queue"]
            if self._filters:
                check_queue_name(queue)  # a layer may have changed it
            return Promotion(delivery, queue, encode(changed, codec))
        except Exception as error:  # noqa: BLE001 (one job's trouble must not stop the sweep)
            self._worker.host.report(error, {"context": "promotion", "jid": payload.get("jid")})
            return ToSchedule(raw, wall() + _AGAIN, ran=False)

    def _through_middleware(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        context = ClientContext(payload, self._job_class(payload), promoting=True)
        changed: dict[str, Any] | None = self._layers(context)
        if changed is None:
            jid, name = payload.get("jid"), payload["class"]
            logger.info(
                "dropped at promotion: a client middleware vetoed it [jid=%s class=%s]", jid, name
            )
        return changed

    def _job_class(self, payload: dict[str, Any]) -> Any:
        spec = self._worker.registry.find(payload["class"])
        return (spec and spec.cls) or payload["class"]

    def _wait(self, seconds: float) -> None:
        """Sleep until the next due time; the bell of a push that is due earlier cuts it short."""
        if seconds <= 0 or self._stopping.is_set():
            return
        ear = self._ear.fileno()
        if ear in wait_for(seconds, self._alarm_end, ear):
            self._ear.heard()

    def _leave(self) -> None:
        self._ear.close()
        try:
            owners.resign(self._link, keys.POLLER, self._worker.identity)
            if self._ownership is not None:
                self._worker.owners.remove(self._ownership)
                owners.reclaim(self._link, self._ownership.owner, proven=True, crashed=False)
            self.left = not self._abandoned
        except StoreError as error:
            logger.warning("the poller could not sign off: %s; its lease will run out", error)
        finally:
            self._link.close()


def _put_off(source: Flight, call: int, raws: list[bytes], ids: set[str]) -> list[Settlement]:
    """Return what tries again later the jobs of *raws* that have one of these delivery *ids*."""
    later = wall() + _AGAIN
    numbered = [(f"{call}.{index}", raw) for index, raw in enumerate(raws, start=1)]
    return [
        (Taken(delivery, source, raw, 0.0), ToSchedule(raw, later, ran=False))
        for delivery, raw in numbered
        if delivery in ids
    ]


def _payload_of(context: ClientContext) -> dict[str, Any]:
    return context.payload
