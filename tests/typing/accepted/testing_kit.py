"""kiq.testing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from unittest.mock import ANY

import kiq
from kiq import testing


class Ship(kiq.Job):
    def perform(self, order: int, express: bool = False) -> None: ...


@kiq.job
def receipt(order: int) -> str:
    return str(order)


testing.fake()
testing.inline()
testing.disabled()
assert_type(testing.mode(), testing.Mode)

with testing.scoped("fake"), testing.scoped("inline", process_wide=True):
    Ship.perform_async(7)

with testing.scoped("fake"):
    (job,) = testing.assert_enqueued(Ship, args=[7, ANY], kwargs={"express": True}, count=1)
    assert_type(job, testing.PushedJob)
    assert_type(job.at, float | None)
    assert_type(job.kwargs, dict[str, Any])
    testing.assert_enqueued(receipt, at=timedelta(hours=1), tolerance=0.5)
    testing.assert_enqueued("Ruby", queue="low", at=None)
    testing.assert_enqueued(Ship, args=Ship.args(7, express=True))
    testing.assert_enqueued(receipt, args=receipt.args(7))
    testing.assert_not_enqueued()
    testing.assert_not_enqueued(Ship, at=datetime.now(UTC))
    assert_type(testing.jobs(Ship, queue="low"), list[testing.PushedJob])
    assert_type(testing.drain(receipt, until=timedelta(minutes=5), limit=10), int)
    assert_type(testing.drain_due(Ship), int)
    testing.perform_one("Ruby")
    testing.clear(queue="low")

with testing.freeze() as clock, testing.travel(datetime(2040, 1, 1, tzinfo=UTC)):
    clock.advance(60)
    clock.advance(timedelta(hours=1))
    assert_type(clock.now, float)


@testing.server_middleware.add
def traced(context: kiq.ServerContext, call_next: Any) -> Any:
    return call_next(context)
