"""The examples of docs/find-and-why.md and docs/history.md run, and do what the pages say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kiq

DOCS = Path(__file__).parents[2] / "docs"


def test_finding_does_what_the_page_says(
    kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for page in ("find-and-why.md", "history.md"):
        for block in re.findall(
            r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL
        ):
            exec(compile(block, f"docs/{page}", "exec"), vars(module))  # noqa: S102
        if page == "find-and-why.md":
            assert f"{vars(module)['jid']} waiting" in capsys.readouterr().out
    assert capsys.readouterr().out == "None\n"
