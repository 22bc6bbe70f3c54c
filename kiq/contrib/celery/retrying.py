"""When a task is tried again: Celery's arithmetic. Pure, but for the dice."""

from __future__ import annotations

import random
from typing import Any

from ...errors import JobSignal, Kill


def backoff(factor: Any, retries: int, most: float, jitter: bool) -> float:
    """Return the seconds before the retry behind *retries* others: they double, up to *most*.

    *factor* is True for 1, or a number of seconds. With *jitter* it is any from 0 up to that.
    """
    first = max(1, int(factor))
    delay = min(int(most), first * 2 ** min(retries, 64))
    return float(random.randrange(delay + 1) if jitter else delay)


def retry_in(_count: int, error: BaseException, payload: Any) -> Any:
    """Say of a failure that no ``autoretry_for`` named: it is final. Others are asked of elsewhere."""
    del payload
    return None if isinstance(error, JobSignal) else Kill
