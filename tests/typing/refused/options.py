"""Options that kiq refuses when a class is defined, or when a job is pushed."""

from __future__ import annotations

import kiq


class HardWorker(kiq.Job):
    def perform(self) -> None: ...


@kiq.job
def welcome() -> None: ...


# refused: call-arg | reportCallIssue | unknown option
HardWorker.set(quee="low")
# refused: arg-type | reportArgumentType | wrong type of option
HardWorker.set(queue=5)
# refused: call-arg | reportCallIssue | an option of the class only
HardWorker.set(name="Other")
# refused: arg-type | reportArgumentType | a span is a number or timedelta
HardWorker.set(retry_for="1h")
# refused: arg-type | reportArgumentType | wrong type of option
welcome.set(retry="no")
# refused: call-arg | reportCallIssue | unknown option
welcome.set(delay=5)


# refused: call-arg | reportCallIssue | unknown option
class Typo(kiq.Job, quue="x"):
    def perform(self) -> None: ...


# refused: arg-type | reportArgumentType | wrong type of option
class Wrong(kiq.Job, retry="yes"):
    def perform(self) -> None: ...


# refused: arg-type | reportArgumentType | wrong type of option
class WrongLimit(kiq.Job, time_limit="1h"):
    def perform(self) -> None: ...


# refused: call-overload | reportCallIssue | unknown option
@kiq.job(retries=3)
def typo() -> None: ...


# refused: call-overload | reportArgumentType | wrong type of option
@kiq.job(aliases=5)
def wrong() -> None: ...
