"""Async jobs have time limits, and can be cancelled."""

from __future__ import annotations

import pytest

from tests.e2e.test_async_jobs import member, push, start
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

pytestmark = pytest.mark.needs("greenlet")


def test_one_that_is_over_its_time_limit_is_ended_where_it_waits(site: Site) -> None:
    start(site)
    jid = push(site, "Sleep", "a", 60, time_limit=0.2, watched=True)
    site.noted(f"failed {jid} TimeLimitExceeded red")
    eventually(lambda: site.count("retry") == 1)
    assert member(site, "retry")["error_class"] == "kiq.errors.TimeLimitExceeded"
    push(site, "Sleep", "b", 0.01, time_limit=30)
    site.noted("slept b")


def test_one_that_is_cancelled_while_it_runs_is_dropped(site: Site, unconfigured: None) -> None:
    import kiq

    worker = start(site)
    jid = push(site, "Sleep", "a", 60, watched=True)
    site.noted("begun a")
    kiq.configure(redis=site.url)
    kiq.cancel(jid)
    site.noted(f"failed {jid} Cancelled red")
    eventually(lambda: not site.store.keys("kiq:inflight:*"))
    worker.says("skipped: it was cancelled", jid)
    assert (site.count("retry"), site.count("dead"), site.count("queue:default")) == (0, 0, 0)
    push(site, "Note", "next")
    site.noted("next on kiq-event-loop")
