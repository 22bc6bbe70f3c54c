"""The record by which a parent is found while it lives, whatever the disk is like."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kiq.parent.record import Record, State, look, parents, space


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def made(folder: Path, left: int = -1) -> Record:
    return Record(folder, State(os.getpid(), 4, "/srv/app", "kiq.yml", "shop", space=space()), left)


def test_it_is_found_while_the_parent_lives_and_says_what_it_said_last(folder: Path) -> None:
    record = made(folder)
    ((path, state),) = parents(folder)
    assert state == record.state
    record.tell(orders=1, step="trying", why="x" * 5000)
    found = look(path)
    assert found is not None
    assert (found.orders, found.step, len(found.why)) == (1, "trying", 1000)
    record.tell(ready=3)
    assert look(path) == record.state
    record.remove()
    assert list(parents(folder)) == []
    assert not path.exists()


def test_what_a_killed_parent_left_is_nobodys_and_is_removed(folder: Path) -> None:
    record = made(folder)
    ((path, _),) = parents(folder)
    assert record.descriptor >= 0
    os.close(os.dup(record.descriptor))
    assert record._file is not None
    record._file.close()  # as the kernel does
    assert look(path) is None
    assert not path.exists()


def test_a_container_that_shares_the_folder_numbers_its_processes_anew(folder: Path) -> None:
    record = made(folder)
    record.tell(space="pid:[1]")
    assert list(parents(folder)) == [], "who would get the signal?"
    record.remove()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="only Linux begins anew")
def test_who_begins_anew_goes_on_where_it_was(folder: Path) -> None:
    record = made(folder)
    record.tell(orders=3, step="trying")
    after = made(folder, record.descriptor)
    assert (after.state.orders, after.state.step) == (3, "trying")
    assert len(list(parents(folder))) == 1
    after.remove()


def test_only_a_restart_under_way_can_fail(folder: Path) -> None:
    record = made(folder)
    record.fail("no")
    assert record.state.step == ""
    record.tell(step="replacing")
    record.fail("the disk is red")
    record.fail("later")
    assert (record.state.step, record.state.why) == ("failed", "the disk is red")
    record.remove()


def test_one_that_somebody_removed_is_there_again(folder: Path) -> None:
    record = made(folder)
    ((path, _),) = parents(folder)
    path.unlink()
    record._next_look = 0.0
    record.keep()
    ((_, state),) = parents(folder)
    assert state == replace(record.state)
    record.remove()


def test_without_a_folder_there_is_none_and_nothing_fails(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file")
    record = made(folder)
    record.tell(step="trying")
    record.remove()
    assert record.descriptor == -1
    assert list(parents(folder)) == []
