"""The shop while it is open: a Redis, a worker, the UI, and something on every page."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from playwright.sync_api import Page

from tests.helpers.server import TestServer, free_port
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

SHOP = "tests.browser.shop"
FILE = """
concurrency: 6
queues: [mailers, payments, reports]
timeout: 2
"""


class Street:
    """All of it. :meth:`close` ends it."""

    def __init__(self, server: TestServer, folder: Path) -> None:
        self.site = Site(server, folder)
        self.site.write("kiq.yml", FILE)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def open(self) -> Street:
        """Start what runs, push what the pages show, and wait until it is all there."""
        config = ("-C", "kiq.yml", "-r", SHOP)
        self.worker = self.site.run(*config, "-e", "production").wait_until_ready()
        ui = self.site.run("web", "-b", f"127.0.0.1:{self.port}", *config, "-e", "production")
        filled = self.site.run(command=(sys.executable, "-m", "tests.browser.fill"))
        assert filled.wait() == 0, filled.log
        eventually(lambda: answers(self.address), 20, message=f"the UI answers: {ui.log}")
        found = {"retry": 60, "dead": 3, "schedule": 62}
        eventually(
            lambda: all(self.site.count(key) >= count for key, count in found.items()),
            20,
            message=f"{found}: {self.worker.log}",
        )
        return self

    def push(self, job: str, *arguments: Any, **fields: Any) -> str:
        """Push a job of the shop's by its name; *fields* are more of the payload."""
        payload = {"class": f"{SHOP}.{job}", "args": list(arguments), **fields}
        return str(self.site.client.push(payload))

    def later(self, job: str, *arguments: Any, **fields: Any) -> str:
        """Push one that is due in an hour."""
        return self.push(job, *arguments, at=time.time() + 3600, **fields)

    @staticmethod
    def arguments(page: Page) -> list[str]:
        """Return the arguments of the jobs that *page* lists, without quotes."""
        return [each.strip("'\"") for each in page.locator("tbody .args").all_inner_texts()]

    def close(self) -> None:
        """End all that runs."""
        self.site.close()


def answers(address: str) -> bool:
    """Tell whether somebody answers at *address*, whatever."""
    try:
        with urlopen(address, timeout=5):
            return True
    except HTTPError:
        return True
    except OSError:
        return False
