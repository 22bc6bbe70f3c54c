"""What templates and scripts must not contain: they show text of anybody."""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from kiq.web.assets import Assets
from kiq.web.rendering import Renderer

pytestmark = pytest.mark.needs("werkzeug")

WEB = resources.files("kiq.web")
PAGES = Path(str(resources.files("kiq.pages")))
TEMPLATES = sorted([*Path(str(WEB / "templates")).iterdir(), *PAGES.glob("*/templates/*.html")])


@pytest.mark.parametrize(
    "file", TEMPLATES, ids=lambda file: f"{file.parent.parent.name}/{file.name}"
)
def test_a_template_escapes_everything_and_writes_no_script_or_style(file: Path) -> None:
    source = file.read_text("utf-8")
    assert "safe" not in re.findall(r"\|\s*(\w+)", source)
    assert not re.search(r"autoescape|\sstyle=|\son\w+=|<style|javascript:", source)
    assert all("src=" in each for each in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"https?://(?!www\.w3\.org)", source), "no foreign host"


def test_markup_is_made_nowhere() -> None:
    for file in (*Path(str(WEB / "views")).glob("*.py"), *PAGES.rglob("*.py")):
        assert "Markup" not in file.read_text("utf-8")


def test_a_value_that_a_template_is_not_given_is_an_error() -> None:
    renderer = Renderer({"": WEB / "templates"})
    with pytest.raises(Exception, match="undefined"):
        renderer.render("error.html", {})


def test_names_of_assets_hold_their_digest() -> None:
    assets = Assets([WEB / "static"])
    name = assets.name_of("kiq.css")
    digest = hashlib.sha256((WEB / "static" / "kiq.css").read_bytes()).hexdigest()
    assert name == f"kiq-{digest[:12]}.css"
    found = assets.response(name)
    assert found is not None
    assert "immutable" in found.headers["Cache-Control"]
    assert assets.response("kiq.css") is None
    assert assets.response("../visitors.py") is None


def test_what_was_taken_from_others_is_what_they_published() -> None:
    """VENDORED.toml has the digests of the files as they are in the packages of npm."""
    listed = tomllib.loads((WEB / "static" / "VENDORED.toml").read_text("utf-8"))
    own = {"kiq.css", "kiq.mjs", "kiq.svg", "VENDORED.toml"}
    there = {file.name for file in (WEB / "static").iterdir()} - own
    named = {name for package in listed.values() for name in package["files"]}
    assert there == named
    for package in listed.values():
        assert package["license"]
        assert package["integrity"].startswith("sha512-")
        for name, digest in package["files"].items():
            body = (WEB / "static" / name).read_bytes()
            assert hashlib.sha256(body).hexdigest() == digest, name
