"""docs/typing.md: its examples run, and its table says what the checkers say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import redis

import kiq
from tests.helpers.stored import in_queue
from tests.house.source import ROOT
from tests.typing.checkers import TIME_LIMIT, mypy, pyright

PAGE = (ROOT / "docs" / "typing.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROWS = re.findall(r"^\| `(.*)` \| `(\S+)` \| `(\S+)` \|$", PAGE, re.MULTILINE)


def test_every_example_runs(fake: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert len(BLOCKS) == 3
    for block in BLOCKS:
        exec(compile(block, "docs/typing.md", "exec"), vars(module))  # noqa: S102
    assert in_queue(fake, "critical")[0]["args"] == ["Bob", 5]
    assert kiq.host.server_middleware.names() == ["named"]


@pytest.mark.timeout(2 * TIME_LIMIT)
def test_the_table_says_what_the_checkers_say(tmp_path: Path) -> None:
    assert len(ROWS) == 7
    folder = tmp_path / "table"
    folder.mkdir()
    file = folder / "rows.py"
    first = BLOCKS[0].count("\n") + 1
    file.write_text(BLOCKS[0] + "".join(f"{row[0]}\n" for row in ROWS))
    for checker, column in ((mypy, 1), (pyright, 2)):
        found = [(each.line, each.code) for each in checker(folder, strict=False)]
        assert found == [(first + index, row[column]) for index, row in enumerate(ROWS)]
