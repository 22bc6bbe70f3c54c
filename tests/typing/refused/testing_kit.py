"""kiq.testing, used in ways that fail or that would find nothing."""

from __future__ import annotations

import kiq
from kiq import testing


class Ship(kiq.Job):
    def perform(self, order: int, express: bool = False) -> None: ...


class Plain:
    """No job."""


@kiq.job
def receipt(order: int) -> None: ...


def helper(order: int) -> None: ...


# refused: arg-type | reportArgumentType | no such mode
testing.scoped("fakes")
# refused: call-arg | reportCallIssue | by keyword only
testing.scoped("fake", True)
# refused: arg-type | reportArgumentType | no job class
testing.jobs(Plain)
# refused: arg-type | reportArgumentType | no job
testing.drain(helper)
# refused: arg-type | reportArgumentType | an instance is no class
testing.perform_one(Ship())
# refused: arg-type | reportArgumentType | no job class
testing.assert_enqueued(Plain)
# refused: arg-type | reportArgumentType | no job
testing.assert_not_enqueued(helper)
# refused: call-arg | reportCallIssue | of what?
testing.assert_enqueued()
# refused: arg-type | reportArgumentType | arguments are a list
testing.assert_enqueued(Ship, args=7)
# refused: arg-type | reportArgumentType | the job's own arguments are checked
testing.assert_enqueued(Ship, args=Ship.args("7"))
# refused: call-arg | reportCallIssue | by keyword only
testing.assert_enqueued(Ship, [7])
# refused: arg-type | reportArgumentType | keyword arguments are a dict
testing.assert_enqueued(Ship, kwargs=["express"])
# refused: arg-type | reportArgumentType | a time is no text
testing.assert_enqueued(receipt, at="2040-01-01")
# refused: arg-type | reportArgumentType | a number
testing.assert_enqueued(receipt, count="1")
# refused: call-arg | reportCallIssue | absent is absent
testing.assert_not_enqueued(receipt, count=2)
# refused: arg-type | reportArgumentType | a time is no text
testing.drain(until="1h")
# refused: call-arg | reportCallIssue | when?
testing.travel()

with testing.freeze() as clock:
    # refused: arg-type | reportArgumentType | seconds or a timedelta
    clock.advance("60")
    # refused: misc | reportAttributeAccessIssue | advance moves it
    clock.now = 5.0

(job,) = testing.jobs()
# refused: misc | reportAttributeAccessIssue | a job that was pushed stays what it is
job.queue = "low"
