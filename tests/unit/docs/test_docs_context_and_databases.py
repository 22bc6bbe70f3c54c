"""The examples of docs/context.md, docs/databases.md and docs/django.md run, and do what the pages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from tests.helpers.stored import in_queue, scheduled
from tests.unit.plugins.test_context_variables import run

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def run_page(page: str, count: int) -> dict[str, Any]:
    """Run the Python blocks of *page* from top to bottom, as one module."""
    room: dict[str, Any] = {"__name__": "app_of_the_page"}
    found = blocks(page)
    assert len(found) == count
    for block in found:
        exec(compile(block, f"docs/{page}", "exec"), room)  # noqa: S102
    return room


@pytest.fixture(autouse=True)
def at_once_again(fake: redis.Redis) -> Iterator[None]:
    yield
    kiq.after_commit.always(None)


def test_the_page_about_context_carries_what_it_says(fake: redis.Redis) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def page() -> dict[str, Any]:
        room = run_page("context.md", 5)
        room["user"].set(room["User"](7))
        room["traceparent"].set(trace)
        room["greet"].perform_async("Eve")
        assert room["greet"].perform_inline("Eve") == "Hello Eve of acme"
        return room

    room = copy_context().run(page)
    first, second = in_queue(fake)
    assert first["cattr"] == {"tenant": "acme"}
    assert second["cattr"] == {"tenant": "acme", "user_id": 7}
    assert (second["locale"], second["traceparent"]) == ("en", trace)
    assert room["audit"]("x") == "-: x"
    seen: list[Any] = []
    look = kiq.job(name="docs.look")(
        lambda: seen.append((room["user"].get().number, room["tenant"].get(), room["audit"]("x")))
    )
    run(**{**second, "class": look._kiq_spec.name, "args": [], "jid": "j7"})
    assert seen == [(7, "acme", "j7: x")]


@pytest.mark.needs("django", "sqlalchemy")
def test_the_page_about_databases_pushes_what_is_committed(
    fake: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    room = run_page("databases.md", 4)
    assert [each["args"] for each in in_queue(fake)] == [[1], [2], [5], [4]]
    assert in_queue(fake)[0]["jid"] == room["jid"]
    assert [each["args"] for _, each in scheduled(fake)] == [[3]]
    assert list(kiq.host.plugins) == ["sqlalchemy"]
    room["engine"].dispose()


@pytest.mark.needs("django")
def test_the_settings_of_the_page_are_known() -> None:
    from kiq.contrib.django.attaching import _KNOWN

    room: dict[str, Any] = {}
    (text,) = (each for each in blocks("django.md") if "KIQ = {" in each)
    exec(text, room)  # noqa: S102
    assert set(room["KIQ"]) <= set(_KNOWN)
    table = (DOCS / "django.md").read_text("utf-8").split("| key of `KIQ` |")[1]
    assert set(re.findall(r"`(\w+)`", table.split("\n\n")[0])) >= set(_KNOWN)
