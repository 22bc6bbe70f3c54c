"""The no-op task of Huey; run as a program, it enqueues so many."""

from __future__ import annotations

import os
import sys

from huey import RedisHuey

# No results: nobody reads them here, and the others keep none either.
queue = RedisHuey("bench", url=os.environ["REDIS_URL"], results=False)


@queue.task()
def noop(number: int) -> None:
    """Return at once."""


if __name__ == "__main__":
    # A task is known by its module, and the consumer knows none that is called __main__.
    from huey_app import noop as known

    for each in range(int(sys.argv[1])):
        known(each)
