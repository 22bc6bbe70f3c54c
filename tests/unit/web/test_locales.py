"""Languages: chosen by a browser's own order, and none lacks a word."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from kiq.web.locales import LANGUAGES, Locales

pytestmark = pytest.mark.needs("werkzeug")

WEB = resources.files("kiq.web")
LOCALES = Locales([WEB / "locales"])


def best(header: str) -> str:
    return LOCALES.best(parse_accept_header(header, LanguageAccept)).language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.9", "de"),
        ("en-US,de;q=0.8", "en"),
        ("sv,fr;q=0.5,de;q=0.9", "de"),
        ("pt", "pt-BR"),
        ("zh-CN", "zh-CN"),
        ("zh-HK", "en"),
        ("tlh", "en"),
        ("*", "en"),
    ],
)
def test_the_language_that_a_browser_would_rather_have(header: str, language: str) -> None:
    assert best(header) == language


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {0: 1, 1: 0, 2: 1}),
        ("fr", {0: 0, 1: 0, 2: 1}),
        ("ru", {1: 0, 2: 1, 5: 2, 11: 2, 21: 0, 22: 1, 112: 2}),
        ("ar", {0: 0, 1: 1, 2: 2, 5: 3, 11: 4, 100: 5, 103: 3}),
        ("ja", {0: 0, 1: 0, 9: 0}),
    ],
)
def test_the_form_that_belongs_to_a_number(language: str, forms: dict[int, int]) -> None:
    _, count, of = LANGUAGES[language]
    assert {number: of(number) for number in forms} == forms
    assert max(map(of, range(2000))) == count - 1


def texts() -> set[str]:
    """All English texts of templates and views."""
    found: set[str] = set()
    for folder in ("templates", "views"):
        for file in (WEB / folder).iterdir():
            if file.name.endswith((".html", ".py")):
                source = file.read_text("utf-8")
                found |= set(re.findall(r'\b_\("([^"]+)"', source))
                found |= set(re.findall(r"\b_\('([^']+)'", source))
                found |= {pair[1] for pair in re.findall(r'\bn_\("([^"]+)", "([^"]+)"', source)}
                found |= set(re.findall(r'words = "([^"]+)"', source))
    return found


def test_texts_are_found() -> None:
    assert {"Attention", "{n} things looked at.", "busy threads", "paused"} <= texts()


def test_a_name_with_braces_is_shown_as_it_is() -> None:
    locale = Locales([]).of("en")
    assert locale.text("{0} {x} {") == "{0} {x} {"
    assert locale.text("{n} jobs", n=3) == "3 jobs"
