"""How long pages of the web UI take with 1,000,000 jobs in the retry set, while a worker drains.

The worker runs jobs that push themselves again, on CPU 0 alone; pages are made in this process, on CPU 1,
without a network. Each page is asked for again and again; printed are percentiles. Goal: p99 of 200 ms
for each. What looks through the set does so for 150 ms and says how far it came. Exit code 1 when a goal
is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from typing import Any

import redis
from parts import report
from parts.samples import percentiles
from support import BenchmarkError, Program, Server, environment, wait_until
from werkzeug.test import Client

import kiq.web
from kiq import Client as Pusher

_GOAL = 200.0  # milliseconds
_KINDS = 31
PAGES = (
    "/",
    "/queues",
    "/running",
    "/failures",
    "/retries",
    "/retries?q=class:Kind7",
    "/retries?q=error:nowhere",
    "/retries?q=user999999%40example.org",
    "/plan?set=retries&deed=retry&q=class:Kind7",
    "/plan?set=failures&deed=delete&q=",
    "/activity",
    "/api/v1/stats",
    "/api/v1/sets/retries?limit=100",
    "/api/v1/failures",
)


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=1_000_000, help="in the retry set")
    made.add_argument("--times", type=report.positive, default=100, help="each page, %(default)s")
    arguments = made.parse_args()
    with Server() as server:
        _fill(server.client(), arguments.jobs)
        figures = _measured(server, arguments)
        report.finish(arguments, server, figures)
    slow = [page for page, found in figures.items() if found["p99"] > _GOAL]
    if slow:
        raise BenchmarkError(f"goals are missed: {', '.join(slow)}")


def _fill(client: redis.Redis, count: int) -> None:
    now, pipeline = time.time(), client.pipeline(transaction=False)
    for number in range(count):
        kind = random.randrange(_KINDS)
        job = {"class": f"app.jobs.Kind{kind}", "queue": f"q{kind % 5}", "jid": f"{number:024x}"}
        job |= {"args": [number, {"to": f"user{number}@example.org"}], "retry_count": number % 9}
        failed = {"error_class": "OSError", "error_message": f"no route to host {number}"}
        failed |= {"failed_at": now - random.random() * 86_400, "created_at": now - 90_000}
        pipeline.zadd("retry", {json.dumps({**job, **failed}): now + 3600 + random.random() * 7200})
        if number % 20_000 == 0:
            pipeline.execute()
    pipeline.execute()


def _measured(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the percentiles of each page, in milliseconds."""
    url = server.url("unix")
    command = [sys.executable, "-m", "kiq", "-r", "kiq_again_app", "-q", "busy", "-c", "10"]
    variables = environment(url, KIQ_LOG_LEVEL="warning", KIQ_RUN_DIR=str(server.folder / "run"))
    browser = Client(kiq.web.wsgi(policy=kiq.web.everyone("admin"), redis=url))
    figures: dict[str, Any] = {}
    with Program(command, server.folder, variables, pinned=True):
        wait_until(lambda: server.client().scard("processes") == 1, 30, "the worker is there")
        pusher = Pusher(url)
        for number in range(50):
            pusher.push({"class": "Again", "args": [number], "queue": "busy"})
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        before = _processed(server)
        began = time.monotonic()
        for page in PAGES:
            figures[page] = percentiles([_took(browser, page) for _ in range(arguments.times)])
            said = ", ".join(f"{name} {value:.0f}" for name, value in figures[page].items())
            print(f"{page:<48} {said} ms", flush=True)
        rate = (_processed(server) - before) / (time.monotonic() - began)
        print(f"the worker ran {rate:,.0f} jobs a second meanwhile")
    return figures


def _took(browser: Client, page: str) -> float:
    began = time.perf_counter()
    answer = browser.get(page, base_url="http://localhost")
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise BenchmarkError(f"{page} answered {answer.status_code}")
    return took


def _processed(server: Server) -> int:
    return int(server.client().get("stat:processed") or 0)  # type: ignore[arg-type]


if __name__ == "__main__":
    report.run(main)
