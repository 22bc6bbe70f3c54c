"""Whether all that a worker does besides running jobs goes on."""

from __future__ import annotations

from kiq.clock import wall
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess


def fetches_promotes_beats_and_cancels(site: Site, worker: WorkerProcess) -> None:
    """Fail unless it fetches, promotes, beats, and ends a job whose cancelling is asked for."""
    site.push("Note", "fetched")
    site.push("Note", "promoted", at=wall() + 0.2)
    site.noted("fetched", "promoted", timeout=20)
    beat = site.store.hget(worker.identity, "beat")
    eventually(lambda: site.store.hget(worker.identity, "beat") != beat, 10)
    held = site.push("Hold", "cancelled")
    site.noted("begin cancelled")
    site.store.zadd("kiq:cancelled", {held: wall() + 60})
    site.store.publish("kiq:bell:cancel", "")
    eventually(lambda: not site.store.keys("kiq:inflight:{queue*"), 15, message="it was cancelled")
