"""The no-op actor of Dramatiq; run as a program, it pushes so many messages."""

from __future__ import annotations

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def noop(number: int) -> None:
    """Return at once."""


if __name__ == "__main__":
    for each in range(int(sys.argv[1])):
        noop.send(each)
