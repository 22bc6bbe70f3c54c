"""What a batch costs: memory in Redis and time for each job, its push in one step, its callback.

A batch of --jobs no-op jobs is pushed in one step, and the same jobs in a bulk, in turns; then what settles
each job, with the rider and without it, is sent as a worker does, 500 jobs at a time. What Redis does is
its CPU time (``INFO cpu``), so that what runs beside counts less. Nothing runs the jobs.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from parts import report
from support import Server

import kiq
from kiq import api, keys
from kiq.client import Client
from kiq.config import Redis
from kiq.plugins.batches import keys as own
from kiq.riders import Riders
from kiq.store.flight import done_command
from kiq.verdict import DONE, Flight, Permit, Taken

_OWNER = "bench:1:x:default"
_SLICE = 500


class Nothing(kiq.Job, name="bench.Nothing", queue="out"):
    """Does nothing."""

    def perform(self, number: int = 0) -> None:
        """Nothing."""


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=100_000, help="default %(default)s")
    arguments = made.parse_args()
    with Server() as server:
        results = _measured(server, arguments)
        for name, value in results.items():
            print(f"{name:>44}  {value:,.2f}")
        report.finish(arguments, server, results)


def _measured(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    client, jobs = Client(Redis(url=server.url())), arguments.jobs
    raw = server.client()
    kiq.Batch(client=client)
    found: dict[str, Any] = {}
    many = [(number,) for number in range(jobs)]
    began = time.perf_counter()
    Nothing.via(client).perform_bulk(many)
    found["bulk without a batch, µs a job"] = _micros(began, jobs)
    found["settling without a batch, Redis µs a job"] = _settled(raw, client, jobs)
    raw.flushall()
    batch = kiq.Batch("bench", on_success=Nothing.args(), client=client)
    began = time.perf_counter()
    with batch:
        Nothing.perform_bulk(many)
        collected = _micros(began, jobs)
        began, before = time.perf_counter(), _busy(raw)
    found["block, µs a job"] = collected
    found["its end, µs a job"] = _micros(began, jobs)
    found["its end, seconds that Redis is busy"] = (_busy(raw) - before) / 1e6
    memory = sum(
        raw.memory_usage(name(batch.bid), samples=0) or 0 for name in (own.record, own.jobs)
    )
    found["memory of the batch, bytes a job"] = memory / jobs
    found["settling in a batch, Redis µs a job"] = _settled(raw, client, jobs)
    status = batch.status()
    assert status is not None
    assert status.success
    assert raw.zcard("schedule") == 1
    return found


def _micros(began: float, jobs: int) -> float:
    return (time.perf_counter() - began) * 1e6 / jobs


def _busy(raw: Any) -> float:
    """Return the CPU time that the server has used, microseconds: who waits beside others uses none."""
    found = raw.info("cpu")
    return float(found["used_cpu_user"] + found["used_cpu_sys"]) * 1e6


def _settled(raw: Any, client: Client, jobs: int) -> float:
    """Settle all jobs of the queue as a worker does; return the server's time for each."""
    flight = Flight(_OWNER, keys.queue("out"), Permit())
    riders = Riders(kiq.host, lambda error, _: print(error))
    home = api.connection(client)
    spent = 0.0
    for first in range(0, jobs, _SLICE):
        raws = raw.rpop("queue:out", _SLICE) or []
        taken = [Taken(str(first + at), flight, one, 0.0) for at, one in enumerate(raws)]
        raw.hset(flight.key, mapping={one.delivery: one.raw for one in taken})
        command = done_command({flight: [one.delivery for one in taken]}, time.time())
        commands, read = riders.in_flight([command], [[(one, DONE) for one in taken]])
        before = _busy(raw)
        read(home.replies(commands))
        spent += _busy(raw) - before
    return spent / jobs


if __name__ == "__main__":
    report.run(main)
