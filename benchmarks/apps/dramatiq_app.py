"""The no-op actor of Dramatiq; run as a program, it pushes so many messages."""

from __future__ import annotations

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

_TTL = int(os.environ.get("BENCH_RESULT_TTL") or 0)
_broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(_broker)
if _TTL:
    from dramatiq.results import Results
    from dramatiq.results.backends import RedisBackend

    _broker.add_middleware(Results(backend=RedisBackend(url=os.environ["REDIS_URL"])))
_OPTIONS = {"store_results": True, "result_ttl": _TTL * 1000} if _TTL else {}


@dramatiq.actor(**_OPTIONS)
def noop(number: int) -> int | None:
    """Return at once; a number where results are measured."""
    return number if _TTL else None


if __name__ == "__main__":
    for each in range(int(sys.argv[1])):
        noop.send(each)
