"""The examples of docs/enqueuing.md run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis

import kiq
from tests.helpers.stored import in_queue, scheduled

PAGE = Path(__file__).parents[3].joinpath("docs", "enqueuing.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
REFUSED = re.findall(r"^\| `(HardWorker.*|kiq.*)` \| (.*) \|$", PAGE, re.MULTILINE)
OPTIONS = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)


@pytest.fixture
def examples(fake: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's blocks leave behind when they are run from top to bottom."""
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in BLOCKS[:-1]:
        exec(compile(block, "docs/enqueuing.md", "exec"), vars(module))  # noqa: S102
    return vars(module)


def test_every_example_runs_and_pushes_what_it_says(
    fake: redis.Redis, examples: dict[str, Any]
) -> None:
    assert len(BLOCKS) >= 8
    critical = in_queue(fake, "critical")
    assert (critical[0]["class"], critical[0]["args"]) == ("app_of_the_page.HardWorker", ["Bob", 5])
    assert critical[1]["kwargs"] == {"loud": True}
    assert [job["args"] for job in in_queue(fake, "mailers")] == [[42]]
    assert [job["args"] for job in in_queue(fake, "ruby")] == [["Bob", 5], ["Bob", 5], ["Eve", 6]]
    assert len(scheduled(fake)) == 4 + 1 + 2 + 2
    assert examples["welcome"].perform_inline(42) == "sent to 42"


def test_the_example_of_configure_is_accepted(unconfigured: None) -> None:
    exec(compile(BLOCKS[-1], "docs/enqueuing.md", "exec"), {"kiq": kiq})  # noqa: S102
    assert kiq.client.configured()["codec"] == "msgpack"


@pytest.mark.parametrize(("code", "says"), REFUSED)
def test_each_mistake_of_the_table_is_refused_in_those_words(
    examples: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises((kiq.KiqError, AttributeError)) as raised:
        eval(code, examples)  # noqa: S307
    assert says in str(raised.value)


def test_the_table_of_options_is_complete() -> None:
    assert set(OPTIONS) == kiq.Options.__annotations__.keys()
    assert len(REFUSED) == 11
