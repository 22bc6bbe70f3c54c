"""What can be done to what, and the commands that do the same."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.top.asking import shown_by
from kiq.top.deeds import ACTS, act_for
from kiq.top.deeds.deed import command
from kiq.top.picture import Place, Row
from kiq.top.pressing import by_key


def test_no_key_has_two_meanings() -> None:
    for kind, acts in ACTS.items():
        keys = [act.key for act in acts]
        assert len(keys) == len(set(keys)), kind
        assert not set(keys) & set(by_key()), kind


def test_what_is_dead_is_not_killed_and_what_is_nothing_not_acted_on() -> None:
    assert act_for("dead", "K") is None
    assert act_for("scheduled", "R") is None
    assert act_for("scheduled", "E") is not None
    assert act_for("", "D") is None


def test_every_key_has_something_to_do() -> None:
    moving = pytest.importorskip("kiq.top.app").Top
    assert all(callable(getattr(moving, f"do_{key.action}")) for key in by_key().values())


@given(st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8")), max_size=3))
def test_a_command_can_be_pasted_whatever_a_name_holds(words: list[str]) -> None:
    assert command(*words).isprintable()


@pytest.mark.parametrize(
    "name", ["mail", "a b", "it's", "\x1b[2J\n", "ü\t'\\x41", "$(reboot)", "`x`"]
)
def test_the_shell_reads_the_very_name(name: str) -> None:
    script = command("pause", name).replace("kiq pause", "printf %s", 1)
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert said.stdout == name.encode()


def test_the_command_that_shows_the_same() -> None:
    assert (
        shown_by(Place("dead", wanted="class:Mail x"), None) == "kiq dead --filter 'class:Mail x'"
    )
    assert shown_by(Place("running"), None) == "kiq ps --jobs"
    assert shown_by(Place("dead"), Row("1", (), jid="abc")) == "kiq show abc"
    assert shown_by(Place("why", "abc"), Row("1", (), jid="abc")) == "kiq why abc"
    assert shown_by(Place("queues"), Row("mail", (), "queue")) == "kiq queues mail"
    assert shown_by(Place("help"), None) == ""
