"""Pushes of class jobs that would fail, or would push what a worker can't run."""

from __future__ import annotations

from datetime import timedelta

import kiq


class HardWorker(kiq.Job, queue="critical"):
    def perform(self, name: str, count: int, *, loud: bool = False) -> None: ...


class Contract(kiq.Job):
    """No perform yet."""


@kiq.job
def welcome(user_id: int) -> None: ...


# refused: arg-type | reportArgumentType | wrong type
HardWorker.perform_async("Bob", "5")
# refused: call-arg | reportCallIssue | missing argument
HardWorker.perform_async("Bob")
# refused: call-arg | reportCallIssue | one too many
HardWorker.perform_async("Bob", 5, 6)
# refused: call-arg | reportCallIssue | unknown keyword
HardWorker.perform_async("Bob", 5, lout=True)
# refused: arg-type | reportArgumentType | wrong type of keyword
HardWorker.perform_async("Bob", 5, loud="yes")
# refused: misc | reportCallIssue | given twice
HardWorker.perform_async("Bob", 5, name="Joe")

# refused: call-arg | reportCallIssue | missing argument
HardWorker.perform_in(60, "Bob")
# refused: arg-type | reportArgumentType | a delay is a number or timedelta
HardWorker.perform_in("60", "Bob", 5)
# refused: arg-type | reportArgumentType | arguments swapped
HardWorker.perform_in(60, 5, "Bob")
# refused: call-arg | reportCallIssue | no delay
HardWorker.perform_in()

# refused: arg-type | reportArgumentType | a time is a number or datetime
HardWorker.perform_at(timedelta(hours=1), "Bob", 5)
# refused: arg-type | reportArgumentType | a time is no text
HardWorker.perform_at("2040-01-01", "Bob", 5)
# refused: arg-type | reportArgumentType | wrong type
HardWorker.perform_at(4e9, "Bob", "5")

# refused: call-arg | reportCallIssue | missing argument
HardWorker.perform_inline("Bob")
# refused: call-arg | reportCallIssue | missing argument
HardWorker.args("Bob")
# refused: arg-type | reportArgumentType | wrong type
HardWorker.args("Bob", 5, loud=1.5)

# refused: list-item | reportArgumentType | a job's arguments are a list or tuple
HardWorker.perform_bulk([1, 2])
# refused: list-item | reportArgumentType | another job's arguments
HardWorker.perform_bulk([welcome.args(1)])
# refused: arg-type | reportArgumentType | wrong type
HardWorker.perform_bulk([("a", 1)], batch_size="10")
# refused: arg-type | reportArgumentType | a time is no timedelta
HardWorker.perform_bulk([("a", 1)], at=timedelta(hours=1))
# refused: arg-type | reportArgumentType | a spread is a number or timedelta
HardWorker.perform_bulk([("a", 1)], spread_interval="1h")

# refused: arg-type | reportArgumentType | wrong type through set
HardWorker.set(queue="low").perform_async("Bob", "5")
# refused: call-arg | reportCallIssue | missing argument through set
HardWorker.set(queue="low").perform_in(5, "Bob")
# refused: arg-type | reportArgumentType | wrong time through set
HardWorker.set(queue="low").perform_at(timedelta(1), "Bob", 5)
# refused: call-arg | reportCallIssue | missing argument through set
HardWorker.set(queue="low").perform_inline("Bob")
# refused: list-item | reportArgumentType | another job's arguments through set
HardWorker.set(queue="low").perform_bulk([welcome.args(1)])

# refused: misc | reportAttributeAccessIssue | has no perform
Contract.perform_async()
# refused: misc | reportAttributeAccessIssue | has no perform
Contract.set(queue="low")
# refused: arg-type | reportArgumentType | a plain call is a plain call
HardWorker().perform("Bob", "5")
# refused: attr-defined | reportAttributeAccessIssue | no such method
HardWorker.perform_later("Bob", 5)

# refused: attr-defined | reportAttributeAccessIssue | as Celery says it
HardWorker.delay("Bob", 5)
# refused: attr-defined | reportAttributeAccessIssue | as Dramatiq says it
welcome.send(5)


async def from_asyncio() -> None:
    # refused: misc | reportGeneralTypeIssues | a push is no coroutine
    await HardWorker.perform_async("Bob", 5)


# refused: valid-type | reportGeneralTypeIssues | the decorator is no base
class Base(kiq.job): ...


class Narrower(HardWorker):
    # refused: override | reportIncompatibleMethodOverride | does not do what its base does
    def perform(self, name: str) -> None: ...
