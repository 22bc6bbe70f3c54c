"""``kiq verify`` beside workers: a job that moves is not in two places."""

from __future__ import annotations

import kiq
from kiq.api.verifying import verify
from tests.helpers.worker_process import JOBS, Site


def test_a_system_at_work_is_clean(site: Site) -> None:
    workers = [site.start("-c", "5") for _ in range(2)]
    client = site.client
    for round_ in range(12):
        for number in range(100):
            client.push({"class": f"{JOBS}.Note", "args": [f"{round_} {number}"]})
            client.push({"class": f"{JOBS}.Fails", "args": [str(number)], "retry": 1})
            due = {"at": kiq.clock.wall() + 0.2}
            client.push({"class": f"{JOBS}.Note", "args": ["later"], **due})
        report = verify(site.url)
        assert report.findings == ()
        assert report.unknown == ()
    for worker in workers:
        assert worker.stop() == 0
