"""Hooks that kiq could not call, and signals that say nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import kiq


@kiq.job
def sync(account: int) -> None: ...


@sync.retries_exhausted
def settle(payload: dict[str, Any], error: BaseException) -> None: ...


# refused: type-var | reportArgumentType | the hook of a function takes three
@sync.retry_in
def again_in(count: int, error: BaseException) -> int:
    return 600


# refused: type-var | reportArgumentType | the count is a number
@sync.retry_in
def again_at(count: str, error: BaseException, payload: dict[str, Any]) -> int:
    return 600


# refused: type-var | reportArgumentType | the payload comes first
@sync.retries_exhausted
def give_up(error: BaseException, payload: dict[str, Any]) -> None: ...


# refused: type-var | reportArgumentType | an answer that means nothing
@sync.retry_in
def never(count: int, error: BaseException, payload: dict[str, Any]) -> str:
    return "never"


# refused: arg-type | reportArgumentType | the decorators leave the functions what they are
settle("1", ValueError())


class TooFew(kiq.Job):
    def perform(self) -> None: ...

    # refused: override | reportIncompatibleMethodOverride | kiq gives three
    def retry_in(self, count: int, error: BaseException) -> int:
        return 60

    # refused: override | reportIncompatibleMethodOverride | the payload comes first
    def retries_exhausted(self, error: BaseException, payload: dict[str, Any]) -> None: ...


class Mistaken(kiq.Job):
    def perform(self) -> None: ...

    # refused: override | reportIncompatibleMethodOverride | an answer that means nothing
    def retry_in(self, count: int, error: BaseException, payload: dict[str, Any]) -> str:
        return "never"


class TooSure(kiq.Job):
    def perform(self) -> None: ...

    # refused: override | reportIncompatibleMethodOverride | any error may come
    def retry_in(self, count: int, error: OSError, payload: dict[str, Any]) -> int:
        return 60


def decide(number: int) -> None:
    if number == 1:
        # refused: arg-type | reportArgumentType | seconds or a timedelta
        raise kiq.Retry("60")
    if number == 2:
        # refused: call-arg | reportCallIssue | for how long?
        raise kiq.Snooze()
    if number == 3:
        raise kiq.Snooze(timedelta(minutes=1))
