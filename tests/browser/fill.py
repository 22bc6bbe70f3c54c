"""Push what the shop's pages show: jobs that fail, run, wait, come later, of a batch, behind a limit."""

from __future__ import annotations

import kiq
from kiq.api import Queue
from tests.browser.shop import EVIL, Charge, Import, Lost, Mail, Report, Slot


def main() -> None:
    """Push all of it to the Redis of ``REDIS_URL``."""
    for number in range(60):
        Charge.perform_async(number, EVIL if number % 2 else "")
        Mail.perform_in(600 * (number + 1), f"{number}@example.org", password="hidden")
    Lost.perform_bulk([(EVIL,), ("plain",), ("plain",)])
    Report.perform_async(EVIL)
    for _ in range(2):
        Slot.perform_async(EVIL)
    with kiq.Batch(EVIL, tags=[EVIL[:60]]):
        Report.perform_async()
        with kiq.Batch("within"):
            Mail.perform_async("a@example.org")
            Mail.perform_in(3600, "b@example.org")
    Mail.set(profile="look").perform_async("d@example.org")
    Import.set(queue="nobody").perform_async(EVIL)
    Mail.set(queue="nobody").perform_async(EVIL)
    Mail.set(queue="halted").perform_async("c@example.org")
    Queue("halted").pause(reason=EVIL)


if __name__ == "__main__":
    main()
