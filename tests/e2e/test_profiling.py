"""A profile from a real worker: pushed with a token, found in Redis, the job none the worse for it."""

from __future__ import annotations

import pytest

from kiq.api import Metrics, ProfileSet
from tests.helpers.worker_process import UNMEASURED, Site

JOBS_OF_OURS = """
import time
import kiq
from tests.helpers.jobs import note


class HardWorker(kiq.Job, name="HardWorker"):
    def perform(self, rounds: int) -> None:
        for _ in range(rounds):
            self.part()
        note("done")

    def part(self) -> None:
        sum(number * number for number in range(2_000))


class Fails(kiq.Job, name="Fails", retry=False):
    def perform(self) -> None:
        time.sleep(0.02)
        raise ValueError("boom")
"""


@pytest.mark.needs("pyinstrument")
def test_the_run_of_that_one_job_is_recorded(site: Site) -> None:
    site.write("ours.py", JOBS_OF_OURS)
    worker = site.run("-r", "ours", "-c", "3", KIQ_CODEC="json", **UNMEASURED)
    for _ in range(20):
        site.client.push({"class": "HardWorker", "args": [1]})
    jid = site.client.push({"class": "HardWorker", "args": [100], "profile": "tok"})
    failed = site.client.push({"class": "Fails", "args": [], "profile": "tok"})
    worker.says("the profile", f"tok-{jid}", "is kept")
    worker.says("the profile", f"tok-{failed}", "is kept")
    assert {each.key for each in ProfileSet(site.url)} == {f"tok-{jid}", f"tok-{failed}"}
    profile = ProfileSet(site.url).find(f"tok-{jid}")
    assert profile
    document = profile.document()
    assert document
    texts = document["threads"][0]["stringArray"]
    assert {"HardWorker.perform", "HardWorker.part"} <= set(texts)
    assert worker.stop() == 0
    assert Metrics(site.url).for_job("HardWorker").processed == 21


@pytest.mark.needs("pyinstrument")
def test_a_profile_that_was_recorded_last_is_kept_at_a_stop(site: Site) -> None:
    site.write("ours.py", JOBS_OF_OURS)
    worker = site.run("-r", "ours", **UNMEASURED)
    jid = site.client.push({"class": "HardWorker", "args": [300], "profile": "tok"})
    worker.says("start", str(jid), timeout=20)
    assert worker.stop() == 0
    assert site.notes == ["done"]
    assert ProfileSet(site.url).find(f"tok-{jid}")


def test_without_pyinstrument_the_job_runs_and_the_log_says_what_to_install(site: Site) -> None:
    site.write("ours.py", JOBS_OF_OURS)
    site.write("pyinstrument.py", "raise ImportError('not here')\n")
    worker = site.run("-r", "ours")
    jid = site.client.push({"class": "HardWorker", "args": [1], "profile": "tok"})
    worker.says("runs without its profile", str(jid), 'pip install "kiq[profiling]"')
    site.noted("done")
    assert list(ProfileSet(site.url)) == []
