"""Make the pictures of docs/web.md: ``make pictures``, in three minutes: what they show has to happen."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.window import Window
from tests.helpers.server import TestServer, free_port
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

from .street import answers

PICTURES = ROOT / "docs" / "pictures"
SHOWCASE = "tests.browser.showcase"
FILE = """
concurrency: 12
queues: [[payments, 4], [mailers, 3], [media, 2], [imports, 1], [low, 1]]
"""
WIDE, NARROW = (1280, 860), (390, 800)
#: Picture: path, theme, size.
TAKEN = {
    "now-light": ("/", "light", WIDE),
    "now-dark": ("/", "dark", WIDE),
    "now-narrow": ("/", "dark", NARROW),
    "failures": ("/failures", "light", WIDE),
    "queues": ("/queues", "dark", WIDE),
    "running": ("/running", "light", WIDE),
    "metrics": ("/metrics", "light", WIDE),
    "class": ("/metrics/class?name=shop.ChargeCard", "dark", WIDE),
    "scheduled": ("/scheduled?span=day", "light", WIDE),
    "retries-narrow": ("/retries", "light", NARROW),
}


def main() -> None:
    """Take them all."""
    server = TestServer(aof="everysec")
    folder = Path(tempfile.mkdtemp())
    site = Site(server, folder)
    try:
        site.write("kiq.yml", FILE)
        port = free_port()
        config = ("-C", "kiq.yml", "-r", SHOWCASE, "-e", "production")
        site.run(*config).wait_until_ready()
        site.run("web", "-b", f"127.0.0.1:{port}", *config)
        pushed = site.run(command=(sys.executable, "-m", SHOWCASE))
        eventually(lambda: answers(f"http://127.0.0.1:{port}"), 20)
        until = time.monotonic() + 150
        eventually(lambda: time.monotonic() > until or not pushed.running, 170, interval=1)
        assert pushed.running, pushed.log
        _take(f"http://127.0.0.1:{port}")
    finally:
        site.close()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _take(address: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    program = os.environ.get("KIQ_TEST_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (path, theme, size) in TAKEN.items():
            with Window(browser, address) as window:
                window.look_like(theme, *size)
                page = window.open(path)
                page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
