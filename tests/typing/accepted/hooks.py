"""What a job says about its retries, and what it may raise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import kiq


class Charge(kiq.Job):
    def perform(self, order: int) -> None:
        if order == 1:
            raise kiq.Retry(60)
        if order == 2:
            raise kiq.Snooze(timedelta(minutes=1))
        if order == 3:
            raise kiq.Discard("gone")
        raise kiq.Kill("never")

    def retry_in(
        self, count: int, error: BaseException, payload: dict[str, Any]
    ) -> float | timedelta | type[kiq.Kill] | None:
        match error:
            case TimeoutError():
                return 10 * (count + 1)
            case PermissionError():
                return kiq.Kill
            case _:
                return timedelta(minutes=count) if count < 5 else None

    def retries_exhausted(self, payload: dict[str, Any], error: BaseException) -> None:
        self.logger.error("order %s: %s", payload["args"][0], error)


@kiq.job
def sync(account: int) -> None: ...


@sync.retry_in
def again_in(count: int, error: BaseException, payload: dict[str, Any]) -> int:
    return 600


@sync.retries_exhausted
def give_up(payload: dict[str, Any], error: BaseException) -> type[kiq.Discard]:
    return kiq.Discard


again_in(1, ValueError(), {})  # the decorators leave the functions what they are


def order(number: int) -> list[str | None]:
    try:
        Charge.perform_bulk([(number,)])
    except kiq.BulkPushError as error:
        return error.jids
    except kiq.StoreUnavailable as error:
        if error.maybe_done:
            raise
    return []
