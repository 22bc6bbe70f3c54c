"""``log_level`` of one job: its debug lines are seen, and no other job's."""

from __future__ import annotations

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

_JOBS = """
import asyncio
import logging

import kiq

log = logging.getLogger("shop.ships")
{setup}

class Ships(kiq.Job, name="Ships"):
    def perform(self, number):
        self.logger.debug("job %s in detail", number)
        log.debug("application %s in detail", number)
        log.error("application %s at last", number)


@kiq.job(name="sails", log_level="debug")
async def sails(number):
    await asyncio.sleep(0)
    log.debug("async %s in detail", number)
"""
OF_THE_APPLICATION = (
    'logging.basicConfig(level="INFO", format="APP %(levelname)s %(name)s %(message)s")'
)


@pytest.mark.parametrize("setup", ["", OF_THE_APPLICATION], ids=["kiq's log", "the application's"])
def test_debug_lines_of_that_job_are_shown_and_of_no_other(site: Site, setup: str) -> None:
    site.write("ships.py", _JOBS.format(setup=setup))
    worker = site.run("-r", "ships", "-c", "4").wait_until_ready()
    loud, quiet = range(0, 20, 2), range(1, 20, 2)
    for number in range(20):
        fields = {"log_level": "DEBUG"} if number in loud else {}
        site.client.push({"class": "Ships", "args": [number], **fields})
    site.client.push({"class": "sails", "args": [1], "log_level": "debug"})
    eventually(lambda: site.store.get("stat:processed") == b"21", message="all are done")
    for number in loud:
        worker.says("DEBUG", f"job {number} in detail")
        worker.says("DEBUG", f"application {number} in detail")
    worker.says("DEBUG", "async 1 in detail")
    assert worker.stop() == 0
    assert [n for n in quiet if f"job {n} in detail" in worker.log] == []
    assert [n for n in quiet if f"application {n} in detail" in worker.log] == []
    assert worker.log.count("in detail") == 21


def test_a_level_above_the_usual_one_shows_less_of_that_job(site: Site) -> None:
    site.write("ships.py", _JOBS.format(setup=""))
    worker = site.run("-r", "ships", "-v").wait_until_ready()
    jid = site.client.push({"class": "Ships", "args": [1], "log_level": "error"})
    site.client.push({"class": "Ships", "args": [2], "log_level": "nonsense"})
    worker.says("application 1 at last", f"jid={jid}")
    worker.says("job 2 in detail")
    assert "1 in detail" not in worker.log
    assert worker.stop() == 0
