"""A browser, and the shop's UI for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.street import Street
from tests.browser.window import Window
from tests.helpers.server import TestServer


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, of this machine: ``KIQ_TEST_CHROMIUM`` or what is on the path."""
    program = os.environ.get("KIQ_TEST_CHROMIUM") or shutil.which("chromium")
    assert program, "there is no chromium: install it, or name one in KIQ_TEST_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def street(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """The shop, open for the tests of one file."""
    made = Street(server, Path(tmp_path_factory.mktemp("street")))
    try:
        yield made.open()
    finally:
        made.close()


@pytest.fixture
def window(chromium: Browser, street: Street) -> Iterator[Window]:
    """A window with the shop's UI. Whatever goes wrong in it fails the test."""
    with Window(chromium, street.address) as opened:
        yield opened


@pytest.fixture
def windows(chromium: Browser, street: Street) -> Callable[..., Window]:
    """Make windows with options of Playwright's, as ``java_script_enabled=False``."""

    def make(**options: Any) -> Window:
        return Window(chromium, street.address, **options)

    return make
