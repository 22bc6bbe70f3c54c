"""Four threads that call the API as often as a library lets them; run as a program, for ever."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable

import limits
from notes import work
from pyrate_limiter import Duration, Limiter, Rate, RedisBucket
from redis import Redis

_URL = os.environ["REDIS_URL"]


def _pyrate() -> Callable[[], object]:
    bucket = RedisBucket.init([Rate(100, Duration.SECOND)], Redis.from_url(_URL), "api")
    limiter = Limiter(bucket)
    return lambda: limiter.try_acquire("api")


def _moving_window() -> Callable[[], object]:
    strategy = limits.strategies.MovingWindowRateLimiter(limits.storage.RedisStorage(_URL))
    rate = limits.RateLimitItemPerSecond(100)

    def wait() -> None:
        while not strategy.hit(rate, "api"):
            time.sleep(0.005)

    return wait


def _call(wait: Callable[[], object]) -> None:
    for number in itertools.count():
        wait()
        work("api", f"{os.getpid()}-{threading.get_ident()}-{number}")


if __name__ == "__main__":
    chosen = _pyrate() if os.environ["BENCH_ADDON"] == "pyrate" else _moving_window()
    for _ in range(4):
        threading.Thread(target=_call, args=(chosen,)).start()
