"""A scheduler of APScheduler with its job store on Redis; run as a program, it ticks for ever."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.blocking import BlockingScheduler
from notes import note


def tick() -> None:
    """Note that it ran; it is not told for which tick."""
    note("tick", "-")


if __name__ == "__main__":
    from rival_apscheduler import tick as known  # a job is known by its module, not as __main__

    server = urlsplit(os.environ["REDIS_URL"])
    store = RedisJobStore(host=server.hostname, port=server.port)
    scheduler = BlockingScheduler(jobstores={"default": store})
    seconds = int(os.environ["BENCH_PERIOD"])
    scheduler.add_job(known, "interval", seconds=seconds, id="tick", replace_existing=True)
    scheduler.start()
