"""What a parent leaves to itself: as it was written, so it is read."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import pytest

from kiq.parent import heritage
from kiq.parent.giving_back import Dead
from kiq.parent.heritage import Heir, Heritage
from kiq.parent.members import Member, Phase, Told
from kiq.parent.page import Page
from kiq.parent.renewal import fail, home
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


def test_a_child_that_does_not_end_is_killed_when_new_code_can_not_be_started() -> None:
    def child(*, deaf: bool) -> Heir:
        reads, writes = os.pipe()
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else signal.SIG_DFL)
            os.write(writes, b"!")
            while True:
                signal.pause()
        os.read(reads, 1)
        for end in (reads, writes):
            os.close(end)
        return Heir(1, pid, 0.0, 0, "", -1, -1)

    heirs = [child(deaf=False), child(deaf=True)]
    fail(Heritage(lifeline=(-1, -1), heirs=heirs, patience=-7.5))
    for heir in heirs:
        with pytest.raises(ProcessLookupError):
            os.kill(heir.pid, 0)
