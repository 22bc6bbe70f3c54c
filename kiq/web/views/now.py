"""Now: what is wrong at this moment, and the numbers at a glance."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ...api import JobMetrics, Metrics
from ...errors import StoreError, StoreUnavailable
from ..answers import Page
from ..attention import attention_of, leads_to
from ..calls import Call
from ..moments import moment_of

_CLASSES = 6
_KEEP = 10.0  # seconds


def now(call: Call) -> Page:
    """Show the attention list, the course of the last minutes, queues and the slowest classes."""
    moment = moment_of(call.fleet)
    values = {
        "title": "Now",
        "attention": attention_of(call.fleet),
        "leads_to": leads_to,
        "ended": [each[1] for each in moment.course],
        "failed": [each[2] for each in moment.course],
        "slowest": _slowest(call),
    }
    return Page("now.html", values)


def _slowest(call: Call) -> Sequence[JobMetrics]:
    return call.fleet.look("slowest", functools.partial(_read, call), keep=_KEEP)


def _read(call: Call) -> Sequence[JobMetrics]:
    try:
        jobs = list(Metrics(call.home).top_jobs(minutes=10).jobs.values())
    except StoreUnavailable:
        raise
    except StoreError:
        return []  # not allowed here
    jobs.sort(key=lambda job: -(job.average_run_time))
    return jobs[:_CLASSES]
