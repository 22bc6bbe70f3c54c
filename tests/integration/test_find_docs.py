"""The examples of docs/find-and-why.md run, and do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kiq

PAGE = (Path(__file__).parents[2] / "docs" / "find-and-why.md").read_text("utf-8")


def test_finding_does_what_the_page_says(
    kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("app_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/find-and-why.md", "exec"), vars(module))  # noqa: S102
    assert f"{vars(module)['jid']} waiting" in capsys.readouterr().out
