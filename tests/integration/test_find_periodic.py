"""What periodic jobs say of a job, to ``kiq find``."""

from __future__ import annotations

import redis

import kiq
from kiq.api import find


def test_the_job_of_a_tick_is_told_to_be_that(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    jid = str(kiq_client.push({"class": "X", "args": [], "periodic": "nightly", "tick": 1234}))
    assert [(one.text, one.at) for one in find(jid).known] == [
        ("the periodic job nightly was due", 1234.0)
    ]
