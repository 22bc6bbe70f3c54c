"""A window of Chromium, and whatever goes wrong in it."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, ConsoleMessage, Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
#: How a page is looked at: theme, width and height in pixels. A theme changes colours, a width what fits.
LOOKS = (("light", 1600, 1000), ("dark", 320, 700))


class Window:
    """One window. Messages of the console, dialogs, and requests that fail or leave are in *troubles*."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.troubles: list[str] = []
        self._context = browser.new_context(base_url=address, **options)
        self._context.set_default_timeout(15_000)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self._note(f"dialog: {dialog}"), dialog.dismiss()))
        self.page.on("request", lambda request: self._asked(request.url))

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.close()
        if error is None:
            assert not self.troubles, "\n".join(self.troubles)

    def open(self, path: str, status: int = 200) -> Page:
        """Open *path*, and return the page."""
        answer = self.page.goto(path, wait_until="load")
        assert answer is not None
        assert answer.status == status, path
        return self.page

    def press(self, button: str, within: str = "main") -> None:
        """Press a button by its words, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator(within).get_by_role("button", name=button, exact=True).first.click()

    def follow(self, link: str, within: str = "main") -> None:
        """Follow a link by its words."""
        with self.page.expect_navigation():
            self.page.locator(within).get_by_role("link", name=link, exact=True).first.click()

    @property
    def told(self) -> str:
        """What the last act came to, as the page says it."""
        return self.page.locator("p.told").inner_text()

    def links(self) -> list[str]:
        """Return where the page's links lead, of this address, without their marks."""
        found = self.page.eval_on_selector_all(
            "a[href]:not([download])",
            "links => links.map(a => new URL(a.getAttribute(`href`), location).href)",
        )
        return [
            re.sub("#.*", "", link.removeprefix(self.address))
            for link in found
            if link.startswith(self.address + "/")
        ]

    def look_like(self, theme: str, width: int, height: int) -> None:
        """Be so wide, and light or dark."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(over))

    def widest(self) -> list[str]:
        """Return which elements reach out of the window."""
        found = """[...document.querySelectorAll("main *")].filter(one => one.getBoundingClientRect().right
            > document.documentElement.clientWidth && !one.closest(".scroll"))
            .map(one => one.outerHTML.slice(0, 150))"""
        return list(self.page.evaluate(found))[:5]

    def violations(self) -> list[str]:
        """Return what axe finds wrong with the page: rule, and where."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
            for each in found["violations"]
            for node in each["nodes"][:3]
        ]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self._note(f"asked elsewhere: {url}")

    def _note(self, trouble: str) -> None:
        self.troubles.append(f"{self.page.url}: {trouble}")
