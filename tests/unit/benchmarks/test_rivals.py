"""What the tests of features count: from what jobs noted to what was lost, twice, at once, late."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
FEATURES = BENCHMARKS / "features"
BESIDES = ("features", "parts", "support")


@pytest.fixture
def features(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What stands in benchmarks/features."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from features import journal, periodic  # only there while the path is

    class Features:
        read, runs, at_once = journal.read, journal.runs, journal.at_once
        most_at_once, repairs, ended = journal.most_at_once, journal.repairs, journal.ended
        mark, count = journal.Mark, periodic.count

    yield Features
    for name in [name for name in sys.modules if name.partition(".")[0] in BESIDES]:
        del sys.modules[name]


def _journal(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "journal"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_run_ends_when_it_says_so_or_when_its_program_died(features: Any, tmp_path: Path) -> None:
    path = _journal(
        tmp_path,
        "start 1.0 w0 k a",
        "start 2.0 w1 k b",
        "end 3.0 w1 k b",
        "start 5.0 w1 k a",
        "end 6.0 w1 k a",
    )
    found = features.runs(features.read(path), {"w0": 2.5})
    assert [(run.ident, run.until, run.done) for run in found] == [
        ("a", 2.5, False),
        ("b", 3.0, True),
        ("a", 6.0, True),
    ]
    assert features.at_once(found) == 1
    assert features.most_at_once(found) == 2
    assert features.repairs(found) == [2.5]
    assert features.ended(found) == {"a": 1, "b": 1}


def test_a_line_that_is_being_written_is_not_read(features: Any, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("taken 1.0 p k a\ntaken 2.0 p")
    assert [mark.words for mark in features.read(path)] == [("k", "a")]


def _ticks(features: Any, *ticks: tuple[float, str]) -> list[Any]:
    return [features.mark("tick", at, "w0", (what,)) for at, what in ticks]


def test_ticks_that_say_what_they_are_for_are_counted_by_it(features: Any) -> None:
    ticks = _ticks(features, (100.1, "100"), (104.1, "102"), (104.2, "104"), (104.3, "104"))
    found = features.count(ticks, 2, 8)
    assert (found.due, found.missed, found.twice) == (4, 1, 1)
    assert max(found.late) == pytest.approx(2.1)


def test_ticks_that_say_nothing_are_counted_by_their_distance(features: Any) -> None:
    even = _ticks(features, *((100.0 + 2 * number, "-") for number in range(5)))
    assert (features.count(even, 2, 10).missed, features.count(even, 2, 10).twice) == (0, 0)
    doubled = _ticks(features, *((100.0 + 2 * (number // 2), "-") for number in range(10)))
    found = features.count(doubled, 2, 10)
    assert (found.missed, found.twice) == (0, 5)
    paused = _ticks(features, (100.0, "-"), (102.0, "-"), (108.0, "-"))
    found = features.count(paused, 2, 10)
    assert (found.missed, found.pause) == (2, 6.0)


def test_all_requirements_are_pinned_by_version_and_digest() -> None:
    for file in FEATURES.glob("requirements/*.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line), file.name
