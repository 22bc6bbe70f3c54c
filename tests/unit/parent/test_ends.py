"""How a child ended, as the log says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiq.parent import linux
from kiq.parent.ends import Ends, how, never_began
from kiq.parent.members import Member, Phase


def test_codes_and_signals() -> None:
    assert how(70) == "exit code 70"
    assert how(-9) == "killed by signal 9 (SIGKILL)"
    assert how(-200) == "killed by signal 200 (unknown)"


def test_a_kill_by_the_kernel_is_told_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    kills = iter((3, 3, 4))
    monkeypatch.setattr(linux, "oom_kills", lambda: next(kills))
    ends, member = Ends(), Member(1, 4711, 0.0, memory=300 << 20)
    assert ends.words(member, -9) == "killed by signal 9 (SIGKILL); it took 300 MB"
    assert ends.words(member, -9).endswith("want of memory (oom_kill went to 4)")


def test_the_counter_of_the_container(tmp_path: Path) -> None:
    file = tmp_path / "memory.events"
    assert linux.oom_kills(file) == 0
    file.write_text("low 0\noom 7\noom_kill 5\n")
    assert linux.oom_kills(file) == 5
    file.write_text("nonsense\n")
    assert linux.oom_kills(file) == 0


def test_who_was_stopped_before_it_could_hear_has_taken_nothing() -> None:
    assert never_began(Member(1, 1, 0.0), -15)
    assert not never_began(Member(1, 1, 0.0, phase=Phase.READY), -15)
    assert not never_began(Member(1, 1, 0.0), -9)
