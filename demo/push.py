"""The producer of the demonstration: a program of its own that pushes jobs of every kind."""

from __future__ import annotations

import time

import kiq
from demo.jobs import HardWorker, Import, Payment, Ping, Reminder, Report, Thumbnail, store


def push() -> int:
    """Push some hundred jobs; return how many."""
    print(f"HardWorker.perform_async('Bob', 5)      {HardWorker.perform_async('Bob', 5)}")
    print("Ping.perform_async()                    150 times, one every 8 ms", flush=True)
    for _ in range(150):
        Ping.perform_async()
        time.sleep(0.008)
    print("Thumbnail.perform_bulk([(0,), ...])     400 fast jobs, one round trip", flush=True)
    jids = Thumbnail.perform_bulk([(picture,) for picture in range(400)])
    time.sleep(0.5)  # so that the figure for the bulk is that of the bulk
    print("Payment.perform_bulk(...)               25 that fail once")
    jids += Payment.perform_bulk([(order,) for order in range(25)])
    print("Import.perform_bulk(...)                10 that fail for good")
    jids += Import.perform_bulk([(f"sheet-{number}.xls",) for number in range(10)])
    print("Reminder.perform_in(2 ... 4, 'tea')     40 for later")
    jids += [Reminder.perform_in(2 + number / 20, "tea") for number in range(40)]
    print("Report.perform_bulk(...)                40 slow jobs, 0.4 s each")
    jids += Report.perform_bulk([(0.4,) for _ in range(40)])
    return 1 + 150 + len(jids)


if __name__ == "__main__":
    kiq.configure("config/kiq.yml")
    store().set("demo:pushed", push())
