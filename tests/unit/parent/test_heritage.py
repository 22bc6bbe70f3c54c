"""What a parent leaves to itself: as it was written, so it is read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from kiq.parent import heritage
from kiq.parent.giving_back import Dead
from kiq.parent.heritage import Heir, Heritage
from kiq.parent.members import Member, Phase, Told
from kiq.parent.page import Page
from kiq.parent.renewal import home
from kiq.parent.traces import Trace


def test_it_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    lifeline = os.pipe()
    page, trace = Page(), Trace()
    member = Member(2, 4711, 12.5, told=Told.FINISH)
    left = Heritage(
        lifeline=lifeline,
        heirs=[Heir.of(member, "abc", page.file, trace.file)],
        dead=[Dead(4712, "def", True)],
        quiet=True,
    )
    if not heritage.may_be_left(left):
        pytest.skip("memory has no descriptors here")
    monkeypatch.setenv("_KIQ_HERITAGE", json.dumps(asdict(left)))
    assert heritage.present()
    assert heritage.received() == left
    assert heritage.received() is None, "children must not take themselves for heirs"
    assert not heritage.present()
    again = left.heirs[0].member()
    assert (again.slot, again.pid, again.born, again.told) == (2, 4711, 12.5, Told.FINISH)
    page.phase = Phase.READY
    other = Page(os.dup(page.file))
    assert other.phase == Phase.READY
    for one in (page, other, trace):
        one.close()
    for descriptor in lifeline:
        os.close(descriptor)


def test_a_start_in_a_link_is_repeated_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "one")
    monkeypatch.chdir(tmp_path / "current")
    monkeypatch.setenv("PWD", str(tmp_path / "current"))
    assert home() == str(tmp_path / "current")
    monkeypatch.setenv("PWD", str(tmp_path))
    assert home() == str(tmp_path / "one")
    monkeypatch.setenv("PWD", str(tmp_path / "gone"))
    assert home() == str(tmp_path / "one")
