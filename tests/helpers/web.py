"""The web UI in a test: an application on the test's Redis, and a browser of sorts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

import kiq.web
from kiq.web import Application, Policy

FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


def application(url: str, policy: Policy | None = None, **options: Any) -> Application:
    """Return the UI of the Redis at *url*; everyone is an admin unless *policy* says otherwise."""
    return kiq.web.wsgi(policy=policy or kiq.web.everyone("admin"), redis=url, **options)


class Browser:
    """Gets pages and sends their forms, as a person's browser does."""

    def __init__(self, app: Application, prefix: str = "") -> None:
        self.client = Client(app)
        self.prefix = prefix

    def get(self, path: str, **headers: str) -> TestResponse:
        """Get a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, base_url=self._base, headers=named)

    def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = FROM_OUR_PAGE
    ) -> TestResponse:
        """Send a form; does not follow where that leads."""
        return self.client.post(path, base_url=self._base, data=dict(form), headers=dict(headers))

    def press(self, page: str, label: str) -> TestResponse:
        """Send the form of *page* whose button is called *label*, and get the page that follows."""
        form = next(each for each in _forms(self.get(page).text) if f">{label}</button>" in each)
        action = re.search(r'action="([^"]+)"', form)
        assert action is not None
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        path = action[1].removeprefix(self.prefix)
        answer = self.post(path, {name: _plain(value) for name, value in fields.items()})
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["Location"].removeprefix(self.prefix))

    @property
    def _base(self) -> str:
        return f"http://localhost{self.prefix}"


def _forms(text: str) -> list[str]:
    return re.findall(r"<form.*?</form>", text, re.DOTALL)


def _plain(text: str) -> str:
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'")):
        text = text.replace(escaped, plain)
    return text.replace("&amp;", "&")
