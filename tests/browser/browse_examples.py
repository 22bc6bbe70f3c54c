"""examples/flask and examples/fastapi in a browser: sign up, order a report, see it grow, read it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.street import answers
from tests.browser.window import Window
from tests.helpers.server import TestServer, free_port
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

PYTHON = (sys.executable, "-m")
SERVERS = {
    "flask": (*PYTHON, "flask", "--app", "app", "run", "--port"),
    "fastapi": (*PYTHON, "uvicorn", "main:app", "--port"),
}
WORKERS = {
    "flask": (*PYTHON, "flask", "--app", "app", "kiq"),
    "fastapi": (*PYTHON, "kiq", "-r", "jobs"),
}


@pytest.fixture(params=["flask", "fastapi"])
def shop(server: TestServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an example at work, its worker beside it."""
    site, name, port = Site(server, tmp_path), request.param, free_port()
    shutil.copytree(ROOT / "examples" / name, tmp_path, dirs_exist_ok=True)
    address, outbox = f"http://127.0.0.1:{port}", f"file://{tmp_path}/outbox"
    try:
        run = site.run(str(port), command=SERVERS[name], MAIL_URL=outbox)
        site.run(command=WORKERS[name], MAIL_URL=outbox).wait_until_ready()
        eventually(lambda: answers(f"{address}/"), 30, message=f"it answers: {run.log}")
        yield address
    finally:
        site.close()


def test_a_visit(chromium: Browser, shop: str, tmp_path: Path) -> None:
    with Window(chromium, shop) as window:
        page = window.open("/")
        page.get_by_label("Name").fill("boss")
        page.get_by_label("Mail").fill("boss@example.org")
        window.press("Sign up", within="body")
        expect(page.locator("body")).to_contain_text("A mail is on its way")
        window.press("Order a report", within="body")
        expect(page.locator("#status")).to_have_text("done", timeout=20_000)
        assert page.locator("#bar").evaluate("bar => bar.value") == 100
        expect(page.locator("#report")).to_contain_text('"users": 1')
        eventually(lambda: list((tmp_path / "outbox").glob("*.eml")), 20)
        window.open("/")
        window.follow("Background jobs", within="body")
        assert page.url == f"{shop}/kiq/"
        assert page.locator("nav.side").is_visible()
