"""The examples of docs/testing.md run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.registry import Registry

PAGE = Path(__file__).parents[3].joinpath("docs", "testing.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(SHOWN,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def page(
    unconfigured: None,
    fresh_registry: Registry,
    fresh_host: kiq.Host,
    pytestconfig: pytest.Config,
) -> Iterator[Any]:
    """What the page's blocks leave behind when they are run from top to bottom."""
    pytestconfig.addinivalue_line("markers", "kiq(mode): the plugin may not be installed here")
    module = ModuleType("app_of_the_page")
    try:
        for block in BLOCKS:
            exec(compile(block, "docs/testing.md", "exec"), vars(module))  # noqa: S102
        yield vars(module)
    finally:
        testing.disabled()
        testing.server_middleware.clear()


def test_every_example_runs(page: dict[str, Any]) -> None:
    assert len(BLOCKS) == 11
    with testing.scoped("fake"):
        page["test_a_checkout_ships"](testing)
    with testing.scoped("inline"):
        page["test_a_checkout_does_not_fail"]()


def test_the_failure_that_is_shown_is_the_one_that_comes(page: dict[str, Any]) -> None:
    with testing.scoped("fake"):
        page["Ship"].perform_in(60, 8)
        with pytest.raises(AssertionError) as raised:
            testing.assert_enqueued(page["Ship"], args=[7], queue="low")
    moment = r"\d{4}-\S+"
    shown = re.sub(moment, "", SHOWN.removeprefix("AssertionError: ").strip())
    assert re.sub(moment, "", str(raised.value)) == shown


def test_the_page_names_everything_that_the_module_has() -> None:
    assert [name for name in testing.__all__ if not re.search(rf"\b{name}\b", PAGE)] == [
        "Mode",
        "PushedJob",
    ]
